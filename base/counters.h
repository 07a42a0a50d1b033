#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace watchfire {

/// One number of the process's self-statistics. Add from any thread.
class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

/// The process's counters by name and reason. Every loss of data has one: `lost("samples", "queue_full")`.
///
/// References stay valid for the life of the process. `reason` comes from a closed set in the code, never from
/// input, so the number of counters is bounded.
class Counters {
 public:
  static Counters& instance();

  /// `name` as in Prometheus without the `watchfire_` prefix: "scrapes_total".
  Counter& get(std::string_view name, std::string_view reason = {});

  struct Reading {
    std::string name;
    std::string reason;
    uint64_t value;
  };
  /// All counters in order of name and reason.
  std::vector<Reading> readings() const;
  /// Prometheus text format 0.0.4, each name with the `watchfire_` prefix.
  std::string exposition() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Counter, std::less<>> counters_;
};

/// Shorthands: `count("scrapes_total")`, and for data given up: `count_lost("samples", "queue_full", 12)`,
/// which is the counter `lost_samples_total{reason="queue_full"}`.
void count(std::string_view name, std::string_view reason = {}, uint64_t n = 1);
void count_lost(std::string_view what, std::string_view reason, uint64_t n = 1);

}  // namespace watchfire
