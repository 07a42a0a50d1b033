#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "profile/profile.h"

namespace watchfire::profile {

/// What a report prints for each label set, made when first asked for and kept while that is little. Set 0, the empty
/// one, has no text. `make` gives the text of a set; the profile must outlive this. Views stay valid until the next
/// of().
class LabelTexts {
 public:
  using Make = std::function<std::string(uint32_t set)>;
  LabelTexts(const Profile& p, Make make) : make_(std::move(make)), kept_(p.label_sets.size()) {}

  std::string_view of(uint32_t set) {
    if (set == 0) return {};
    if (!kept_[set].empty()) return kept_[set];
    std::string text = make_(set);
    if (bytes_ > kMostBytes) return last_ = std::move(text);
    bytes_ += text.size();
    return kept_[set] = std::move(text);
  }

 private:
  static constexpr size_t kMostBytes = 32u << 20;
  Make make_;
  std::vector<std::string> kept_;
  std::string last_;
  size_t bytes_ = 0;
};

}  // namespace watchfire::profile
