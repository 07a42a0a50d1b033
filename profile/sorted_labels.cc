#include "profile/sorted_labels.h"

#include <algorithm>

namespace watchfire::profile {

std::vector<Label> sorted_labels(const Profile& p, std::span<const Label> labels) {
  std::vector<const Label*> order;
  order.reserve(labels.size());
  for (const Label& l : labels) order.push_back(&l);
  std::sort(order.begin(), order.end(), [&](const Label* a, const Label* b) {
    if (a->is_number != b->is_number) return a->is_number < b->is_number;
    if (a->key != b->key) return p.text(a->key) < p.text(b->key);
    return a < b;
  });
  std::vector<Label> sorted;
  sorted.reserve(labels.size());
  for (const Label* l : order) sorted.push_back(*l);
  return sorted;
}

}  // namespace watchfire::profile
