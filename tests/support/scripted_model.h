#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "tests/support/raw_server.h"

namespace watchfire::test {

/// A model's endpoint that plays recorded answers, one a request and in order; the last one is played again and again.
/// Keeps what it was sent.
class ScriptedModel {
 public:
  struct Step {
    int status = 200;
    std::string headers;
    std::string body;
    bool hang = false;  ///< no answer until the server stops
  };

  explicit ScriptedModel(std::vector<Step> steps)
      : steps_(std::move(steps)),
        server_([this](int fd, const std::string& request, const std::atomic<bool>& stopping) {
          play(fd, request, stopping);
        }) {}

  std::string url() const { return "http://" + server_.address(); }
  std::vector<std::string> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void play(int fd, const std::string& request, const std::atomic<bool>& stopping) {
    Step step;
    {
      std::lock_guard lock(mutex_);
      step = steps_[std::min(requests_.size(), steps_.size() - 1)];
      requests_.push_back(request);
    }
    while (step.hang && !stopping) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (!step.hang) RawServer::answer(fd, step.status, step.headers, step.body);
  }

  const std::vector<Step> steps_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;  // guarded by mutex_
  RawServer server_;                   // last: its threads use the others
};

/// Bodies of answers as the Messages API gives them.
inline std::string model_says(const std::string& blocks, const std::string& stop, int input = 1000, int output = 50) {
  return R"({"id":"msg_1","type":"message","role":"assistant","model":"m","content":[)" + blocks +
         R"(],"stop_reason":")" + stop + R"(","stop_sequence":null,"usage":{"input_tokens":)" + std::to_string(input) +
         R"(,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":)" + std::to_string(output) +
         "}}";
}
inline std::string text_block(const std::string& text) {
  return R"({"type":"text","text":")" + text + R"("})";
}
inline std::string tool_block(const std::string& id, const std::string& name, const std::string& input) {
  return R"({"type":"tool_use","id":")" + id + R"(","name":")" + name + R"(","input":)" + input + "}";
}

}  // namespace watchfire::test
