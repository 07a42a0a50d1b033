#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/tools/toolbox.h"
#include "base/result.h"

namespace watchfire::agent::llm {

/// One call that the model wants made.
struct ToolUse {
  std::string id;
  std::string name;   ///< as the model wrote it: may be no tool of ours
  std::string input;  ///< JSON, not checked
};

struct ToolResult {
  std::string tool_use_id;
  ToolAnswer answer;
};

enum class StopReason { kEndTurn, kToolUse, kMaxTokens, kPauseTurn, kRefusal, kContextExceeded, kOther };

/// One answer of the model, decoded.
struct Reply {
  std::vector<std::string> content;  ///< its blocks as JSON, thinking included, to be sent back as they are
  std::string text;                  ///< of its text blocks; untrusted
  std::vector<ToolUse> tool_uses;
  StopReason stop = StopReason::kOther;
  std::string stop_text;  ///< as written; untrusted
  int64_t tokens = 0;     ///< read, written to and read from the cache, and written
};

/// The turns so far, oldest first, each block as JSON.
class Conversation {
 public:
  void add_user_text(std::string_view text);
  void add_reply(const Reply& reply);
  /// All results of one turn, as the one message the protocol wants.
  void add_results(const std::vector<ToolResult>& results);

  struct Message {
    std::string role;
    std::vector<std::string> blocks;
  };
  const std::vector<Message>& messages() const { return messages_; }
  /// Bytes of all blocks.
  size_t bytes() const;

 private:
  std::vector<Message> messages_;
};

struct RequestOptions {
  std::string model;
  int64_t max_tokens = 4096;
  std::string system;
};

/// A request of the Anthropic Messages API. The tools and the system prompt, and the turns so far, are marked for the
/// endpoint's cache.
std::string encode_request(const RequestOptions& options, std::span<const ToolDefinition> tools,
                           const Conversation& conversation);

/// Decodes an answer with status 200; kCorrupt when it is no message. Blocks of unknown types are kept in `content`.
Result<Reply> decode_reply(std::string_view json);

/// "overloaded_error: Overloaded" out of an error's body, or ""; untrusted, at most 500 bytes.
std::string error_text(std::string_view json);

}  // namespace watchfire::agent::llm
