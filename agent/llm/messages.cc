#include "agent/llm/messages.h"

#include <boost/json.hpp>

#include "base/json_writer.h"

namespace watchfire::agent::llm {
namespace {

namespace json = boost::json;

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxErrorBytes = 500;
constexpr int64_t kMaxTokens = 1'000'000'000;

Result<json::value> parse(std::string_view text) {
  json::error_code ec;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::value v = json::parse({text.data(), text.size()}, ec, {}, options);
  if (ec) return fail(ErrorCode::kCorrupt, "the endpoint's answer is no JSON: " + ec.message());
  return v;
}

const json::value* find(const json::value& v, std::string_view key) {
  const json::object* o = v.if_object();
  return o == nullptr ? nullptr : o->if_contains({key.data(), key.size()});
}

std::string text_of(const json::value& v, std::string_view key) {
  const json::value* found = find(v, key);
  const json::string* s = found == nullptr ? nullptr : found->if_string();
  return s == nullptr ? std::string() : std::string(s->data(), s->size());
}

int64_t count_of(const json::value& v, std::string_view key) {
  const json::value* found = find(v, key);
  const int64_t* n = found == nullptr ? nullptr : found->if_int64();
  return n == nullptr ? 0 : std::clamp<int64_t>(*n, 0, kMaxTokens);
}

StopReason stop_of(std::string_view text) {
  if (text == "end_turn" || text == "stop_sequence") return StopReason::kEndTurn;
  if (text == "tool_use") return StopReason::kToolUse;
  if (text == "max_tokens") return StopReason::kMaxTokens;
  if (text == "pause_turn") return StopReason::kPauseTurn;
  if (text == "refusal") return StopReason::kRefusal;
  if (text == "model_context_window_exceeded") return StopReason::kContextExceeded;
  return StopReason::kOther;
}

// A block with the mark that makes the endpoint cache all up to it.
std::string cached(std::string block) {
  if (!block.ends_with('}')) return block;
  block.pop_back();
  return block + R"(,"cache_control":{"type":"ephemeral"}})";
}

std::string text_block(std::string_view text) {
  JsonWriter w;
  w.begin_object().field("type", "text").field("text", text).end_object();
  return w.release();
}

}  // namespace

void Conversation::add_user_text(std::string_view text) {
  messages_.push_back({"user", {text_block(text)}});
}

void Conversation::add_reply(const Reply& reply) {
  messages_.push_back({"assistant", reply.content});
}

void Conversation::add_results(const std::vector<ToolResult>& results) {
  Message m{"user", {}};
  for (const ToolResult& r : results) {
    JsonWriter w;
    w.begin_object().field("type", "tool_result").field("tool_use_id", r.tool_use_id);
    w.field("content", r.answer.text);
    if (r.answer.is_error) w.field("is_error", true);
    m.blocks.push_back(w.end_object().release());
  }
  messages_.push_back(std::move(m));
}

size_t Conversation::bytes() const {
  size_t n = 0;
  for (const Message& m : messages_)
    for (const std::string& block : m.blocks) n += block.size();
  return n;
}

std::string encode_request(const RequestOptions& options, std::span<const ToolDefinition> tools,
                           const Conversation& conversation) {
  JsonWriter w;
  w.begin_object().field("model", options.model).field("max_tokens", options.max_tokens);
  w.key("system").begin_array().raw(cached(text_block(options.system))).end_array();
  w.key("tools").begin_array();
  for (const ToolDefinition& t : tools) {
    w.begin_object().field("name", t.name).field("description", t.description);
    w.key("input_schema").raw(t.input_schema).end_object();
  }
  w.end_array().key("messages").begin_array();
  const auto& messages = conversation.messages();
  for (size_t i = 0; i < messages.size(); ++i) {
    w.begin_object().field("role", messages[i].role).key("content").begin_array();
    const auto& blocks = messages[i].blocks;
    for (size_t b = 0; b < blocks.size(); ++b) {
      bool last = i + 1 == messages.size() && b + 1 == blocks.size() && messages[i].role == "user";
      w.raw(last ? cached(blocks[b]) : blocks[b]);
    }
    w.end_array().end_object();
  }
  w.end_array().end_object();
  return w.release();
}

Result<Reply> decode_reply(std::string_view text) {
  WF_ASSIGN(json::value root, parse(text));
  const json::value* content = find(root, "content");
  const json::array* blocks = content == nullptr ? nullptr : content->if_array();
  if (blocks == nullptr || text_of(root, "role") != "assistant")
    return fail(ErrorCode::kCorrupt, "the endpoint's answer is no message of an assistant");
  Reply reply;
  for (const json::value& block : *blocks) {
    if (!block.is_object()) return fail(ErrorCode::kCorrupt, "a block of the endpoint's answer is no object");
    reply.content.push_back(json::serialize(block));
    std::string type = text_of(block, "type");
    if (type == "text") reply.text += text_of(block, "text");
    if (type != "tool_use") continue;
    const json::value* input = find(block, "input");
    ToolUse use{text_of(block, "id"), text_of(block, "name"), input == nullptr ? "{}" : json::serialize(*input)};
    if (use.id.empty()) return fail(ErrorCode::kCorrupt, "a tool_use of the endpoint's answer has no id");
    reply.tool_uses.push_back(std::move(use));
  }
  reply.stop_text = text_of(root, "stop_reason");
  reply.stop = stop_of(reply.stop_text);
  if (const json::value* usage = find(root, "usage"))
    for (const char* key : {"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"})
      reply.tokens += count_of(*usage, key);
  return reply;
}

std::string error_text(std::string_view text) {
  auto root = parse(text);
  const json::value* error = root ? find(*root, "error") : nullptr;
  if (error == nullptr) return "";
  return (text_of(*error, "type") + ": " + text_of(*error, "message")).substr(0, kMaxErrorBytes);
}

}  // namespace watchfire::agent::llm
