#include "collectors/scrape/delta.h"

#include <xxhash.h>

#include "base/counters.h"
#include "profile/sample_types.h"

namespace watchfire::collectors {
namespace {

using profile::Profile;
using profile::ValueKind;

// A location's content in 64 bits; ids, mapping starts and source lines that don't tell rows apart are left out.
uint64_t location_hash(const Profile& p, const profile::Location& l) {
  uint64_t h = XXH3_64bits(&l.address, sizeof l.address);
  for (const profile::Line& line : p.lines_of(l)) {
    std::string_view name = line.function == profile::kNone ? "" : p.text(p.functions[line.function].name);
    h = XXH3_64bits_withSeed(name.data(), name.size(), h ^ static_cast<uint64_t>(line.line));
  }
  return h;
}

}  // namespace

std::vector<DeltaTracker::Key> DeltaTracker::keys_of(const Profile& p) {
  std::vector<uint64_t> locations;
  for (const auto& l : p.locations) locations.push_back(location_hash(p, l));
  std::vector<Key> stacks(p.stacks.size());
  std::vector<uint64_t> words;
  for (uint32_t s = 0; s < p.stacks.size(); ++s) {
    words.clear();
    for (uint32_t l : p.stacks[s]) words.push_back(locations[l]);
    XXH128_hash_t h = XXH3_128bits(words.data(), words.size() * 8);
    stacks[s] = {h.low64, h.high64};
  }
  std::vector<uint64_t> labels(p.label_sets.size());
  for (uint32_t s = 0; s < p.label_sets.size(); ++s) {
    for (const profile::Label& l : p.label_sets[s]) {
      std::string_view key = p.text(l.key), text = p.text(l.str);
      uint64_t h = XXH3_64bits(key.data(), key.size());
      labels[s] += XXH3_64bits_withSeed(text.data(), text.size(), h ^ static_cast<uint64_t>(l.num));
    }
  }
  std::vector<Key> rows;
  for (size_t i = 0; i < p.sample_count(); ++i) {
    Key k = stacks[p.sample_stacks[i]];
    k.low ^= labels[p.sample_label_sets[i]];
    rows.push_back(k);
  }
  return rows;
}

bool DeltaTracker::fell(const Rows& before, const Rows& now) {
  for (const auto& [key, old] : before) {
    auto it = now.find(key);
    for (size_t c = 0; c < old.size(); ++c)
      if ((it == now.end() ? 0 : it->second[c]) < old[c]) return true;
  }
  return false;
}

Profile DeltaTracker::next(const Profile& scraped, std::string_view profile_name) {
  std::vector<size_t> cumulative;
  for (size_t t = 0; t < scraped.sample_types.size(); ++t)
    if (profile::value_kind(profile_name, scraped.text(scraped.sample_types[t].type)) == ValueKind::kCumulative)
      cumulative.push_back(t);
  if (cumulative.empty()) return scraped;

  std::vector<Key> keys = keys_of(scraped);
  Rows now;
  for (size_t i = 0; i < keys.size(); ++i) {
    auto& row = now[keys[i]];
    row.resize(cumulative.size());
    for (size_t c = 0; c < cumulative.size(); ++c) row[c] += scraped.values[cumulative[c]][i];
  }

  Profile out = scraped;
  if (!has_last_) {
    for (size_t c = cumulative.size(); c-- > 0;) {
      auto at = static_cast<ptrdiff_t>(cumulative[c]);
      out.sample_types.erase(out.sample_types.begin() + at);
      out.values.erase(out.values.begin() + at);
    }
  } else if (fell(last_, now)) {
    ++restarts_;
    count("scrape_restarts_total");
  } else {
    Rows left = last_;  // what is still to be taken off; rows with equal keys share it
    for (size_t i = 0; i < keys.size(); ++i) {
      auto it = left.find(keys[i]);
      if (it == left.end()) continue;
      for (size_t c = 0; c < cumulative.size(); ++c) {
        out.values[cumulative[c]][i] -= it->second[c];
        it->second[c] = 0;
      }
    }
  }
  last_ = std::move(now);
  has_last_ = true;
  return out;
}

}  // namespace watchfire::collectors
