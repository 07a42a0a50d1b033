#pragma once

#include <vector>

#include "profile/profile.h"

namespace watchfire::profile {

/// A label set in the order reports and the wire use: strings before numbers, each by key, values of one key in
/// their own order.
std::vector<Label> sorted_labels(const Profile& p, std::span<const Label> labels);

/// The labels of one key within sorted labels: [begin, end) with the same key and kind.
/// `for (auto group : LabelGroups(sorted))` walks them.
class LabelGroups {
 public:
  explicit LabelGroups(std::span<const Label> sorted) : sorted_(sorted) {}

  class Iterator {
   public:
    Iterator(std::span<const Label> rest) : rest_(rest) { measure(); }
    std::span<const Label> operator*() const { return rest_.first(size_); }
    Iterator& operator++() {
      rest_ = rest_.subspan(size_);
      measure();
      return *this;
    }
    bool operator!=(const Iterator& other) const { return rest_.size() != other.rest_.size(); }

   private:
    void measure() {
      size_ = 0;
      while (size_ < rest_.size() && rest_[size_].key == rest_[0].key && rest_[size_].is_number == rest_[0].is_number) {
        ++size_;
      }
    }
    std::span<const Label> rest_;
    size_t size_ = 0;
  };

  Iterator begin() const { return Iterator(sorted_); }
  Iterator end() const { return Iterator(sorted_.last(0)); }

 private:
  std::span<const Label> sorted_;
};

}  // namespace watchfire::profile
