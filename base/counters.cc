#include "base/counters.h"

namespace watchfire {

Counters& Counters::instance() {
  static Counters counters;
  return counters;
}

Counter& Counters::get(std::string_view name, std::string_view reason) {
  std::lock_guard lock(mutex_);
  return counters_[{std::string(name), std::string(reason)}];
}

std::vector<Counters::Reading> Counters::readings() const {
  std::lock_guard lock(mutex_);
  std::vector<Reading> out;
  for (const auto& [key, counter] : counters_) out.push_back({key.first, key.second, counter.value()});
  return out;
}

std::string Counters::exposition() const {
  std::string out;
  std::string last;
  for (const Reading& r : readings()) {
    if (r.name != last) {
      out += "# TYPE watchfire_" + r.name + (r.name.ends_with("_total") ? " counter\n" : " gauge\n");
      last = r.name;
    }
    out += "watchfire_" + r.name;
    if (!r.reason.empty()) out += "{reason=\"" + r.reason + "\"}";
    out += ' ' + std::to_string(r.value) + '\n';
  }
  return out;
}

void count(std::string_view name, std::string_view reason, uint64_t n) {
  Counters::instance().get(name, reason).add(n);
}

void count_lost(std::string_view what, std::string_view reason, uint64_t n) {
  count("lost_" + std::string(what) + "_total", reason, n);
}

}  // namespace watchfire
