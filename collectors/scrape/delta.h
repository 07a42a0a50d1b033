#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "profile/profile.h"

namespace watchfire::collectors {

/// Turns totals-since-start of one endpoint into what happened between two scrapes.
///
/// Rows are recognised by content (names, addresses, labels), since ids differ between scrapes. Totals of one process
/// never fall, so a row that fell or vanished means that the process started anew: then the whole new total is
/// what happened since (counted as `scrape_restarts_total`). Gauge columns pass unchanged. Holds one row of
/// numbers a distinct (stack, labels). Not thread-safe; one for each (target, endpoint).
class DeltaTracker {
 public:
  /// The profile to store for this scrape: cumulative columns hold the delta. The first scrape has nothing to
  /// compare with: its cumulative columns are left out, and a profile without any column means there is
  /// nothing to store.
  profile::Profile next(const profile::Profile& scraped, std::string_view profile_name);

  uint64_t restarts() const { return restarts_; }

 private:
  struct Key {
    uint64_t low = 0;
    uint64_t high = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    size_t operator()(const Key& k) const { return k.low; }
  };
  using Rows = std::unordered_map<Key, std::vector<int64_t>, KeyHash>;

  static std::vector<Key> keys_of(const profile::Profile& p);
  static bool fell(const Rows& before, const Rows& now);

  bool has_last_ = false;
  Rows last_;
  uint64_t restarts_ = 0;
};

}  // namespace watchfire::collectors
