#pragma once

#include <string>
#include <vector>

#include "agent/measure.h"

namespace watchfire::agent {

/// Rows of an answer within a byte budget. The caller adds the heaviest first; once a row does not fit, no more are
/// taken.
class AnswerRows {
 public:
  explicit AnswerRows(size_t max_bytes) : max_bytes_(max_bytes) {}
  /// Whether it was taken.
  bool add(const std::string& row);
  bool is_full() const { return full_; }
  size_t count() const { return count_; }
  const std::string& text() const { return text_; }

 private:
  const size_t max_bytes_;
  std::string text_;
  size_t count_ = 0;
  bool full_ = false;
};

/// Bytes of a budget that the lines above the rows take at most.
inline constexpr size_t kHeadBytes = 1400;

/// "process_cpu:cpu{service_name="api"}, START to END: 1000 samples, total 1e10 nanoseconds = 1 cores over 10s
/// covered", with notes and cuts of the query.
std::string measured_text(const std::string& query, TimeRange range, const Measured& m);
/// The line that evidence is copied from.
std::string cite_text(const std::string& query, TimeRange range, const Measured& m);
/// 0.4237
std::string share_text(double share);
/// Six significant digits.
std::string amount_number(double amount);

}  // namespace watchfire::agent
