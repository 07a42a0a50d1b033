#include "agent/compare/sentences.h"

#include <algorithm>
#include <cstdio>

#include "profile/short_names.h"

namespace watchfire::agent {
namespace {

using profile::Estimate;
using profile::MatrixRow;
using profile::Part;
using profile::Place;

constexpr size_t kMaxReasons = 3;      // for more
constexpr size_t kMaxSavings = 2;      // for less
constexpr double kMostly = 0.6;        // of a component's difference, for one function to be named as its cause
constexpr double kWorthSaying = 0.05;  // of the whole difference

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

struct Step {
  double divisor;
  const char* unit;
};

/// The largest step that leaves the smallest value a digit, or the next one when the largest value would be too long.
Step step_for(const std::string& unit, double smallest, double largest) {
  std::vector<Step> steps = {{1e9, " G"}, {1e6, " M"}, {1e3, " k"}, {1, ""}};
  if (unit == "nanoseconds") steps = {{1e9, " s"}, {1e6, " ms"}, {1e3, " us"}, {1, " ns"}};
  if (unit == "bytes") steps = {{1e9, " GB"}, {1e6, " MB"}, {1e3, " kB"}, {1, " B"}};
  for (const Step& s : steps)
    if (smallest >= s.divisor / 2 || largest >= 1e5 * s.divisor) return s;
  return steps.back();
}

/// "takes 4.03 s of CPU", "allocates 1.20 GB".
std::string spends(const Section& s, const std::string& amount) {
  if (s.type == "cpu") return "takes " + amount + " of CPU";
  if (s.type == "alloc_space") return "allocates " + amount;
  if (s.type == "alloc_objects") return "allocates " + amount + " objects";
  if (s.type == "inuse_space") return "holds " + amount;
  if (s.type == "inuse_objects") return "holds " + amount + " objects";
  return "has " + amount + " of " + s.type;
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "" : i + 1 == items.size() ? " and " : ", ") + items[i];
  return out;
}

std::string count_of(double samples) {
  return fixed(samples, 0) + (samples == 1 ? " sample" : " samples");
}

std::string few_samples(const Section& s, const Place& p, double min_samples) {
  if (!p.few_samples) return "";
  return " With " + count_of(s.matrix.totals[p.candidate].samples) + " of at least " + fixed(min_samples, 0) +
         ", this place is no more than a hint.";
}

/// "garbage collection (38 ± 2 %)", the three largest.
std::string largest_components(const Section& s, size_t candidate) {
  const Estimate& total = s.matrix.totals[candidate];
  std::vector<const MatrixRow*> rows;
  for (const MatrixRow& r : s.matrix.components) rows.push_back(&r);
  std::ranges::sort(rows, std::less(),
                    [&](const MatrixRow* r) { return std::pair(-r->cells[candidate].value, r->part); });
  std::vector<std::string> items;
  for (const MatrixRow* r : rows) {
    double share = total.value == 0 ? 0 : r->cells[candidate].value / total.value;
    if (share < kWorthSaying || items.size() == kMaxReasons) break;
    items.push_back(component_label(s, r->part.component) + " (" +
                    share_text(share, profile::Matrix::share_error(share, total.samples)) + ")");
  }
  return joined(items);
}

std::string reason(const Section& s, const Gap& g, const Amounts& amounts) {
  std::string text = component_label(s, g.component) + " (" + amounts.signed_text(g.difference.value);
  if (g.function.empty() || g.difference.value < 0) return text + ")";
  bool mostly = std::abs(g.of_function) >= kMostly * std::abs(g.difference.value);
  return text + ", " + (mostly ? "mostly" : "first of all") + " in " + function_label(g.function) + ")";
}

/// What makes the difference to the first place. One beyond chance is told by those parts that are beyond chance.
std::string reasons(const Section& s, size_t candidate, size_t best) {
  Amounts amounts(s);
  double whole = std::abs(s.matrix.totals[candidate].value - s.matrix.totals[best].value);
  std::vector<std::string> more, less;
  for (const Gap& g : gaps(s, candidate, best)) {
    if (g.is_chance || std::abs(g.difference.value) < kWorthSaying * whole) continue;
    bool is_more = g.difference.value > 0;
    std::vector<std::string>& side = is_more ? more : less;
    if (side.size() < (is_more ? kMaxReasons : kMaxSavings)) side.push_back(reason(s, g, amounts));
  }
  if (more.empty() && less.empty()) return " No part of it differs beyond chance.";
  bool is_cpu = s.type == "cpu";
  std::string it = is_cpu ? " It spends " : " ", on = is_cpu ? "on " : "comes from ";
  auto said = [&](const char* how, const std::vector<std::string>& what) { return it + how + on + joined(what); };
  if (more.empty()) return said(is_cpu ? "less " : "Less ", less) + ".";
  std::string text = said(is_cpu ? "more " : "More ", more);
  return text + (less.empty() ? "" : std::string(", less ") + (is_cpu ? "on " : "from ") + joined(less)) + ".";
}

/// Those that share the rank of the first place.
std::vector<std::string> first_places(const Section& s) {
  std::vector<std::string> names;
  for (const Place& p : s.matrix.ranking)
    if (p.rank == 1) names.push_back(s.matrix.names[p.candidate]);
  return names;
}

std::string verdict_of(const Section& s, const std::string& title) {
  const auto& ranking = s.matrix.ranking;
  Amounts amounts(s);
  std::vector<std::string> first = first_places(s);
  const Estimate& best = s.matrix.totals[ranking[0].candidate];
  std::string text = title + ": " + joined(first);
  if (first.size() == 1)
    text += " " + spends(s, amounts.with_error(best)) + ", the least";
  else
    text += " tie, at about " + amounts.text(best.value);
  if (first.size() < ranking.size()) {
    const Place& next = ranking[first.size()];
    text += "; " + s.matrix.names[next.candidate] + " follows at " + fixed(next.ratio, 2) + "x";
    if (first.size() + 1 < ranking.size())
      text +=
          ", and " + s.matrix.names[ranking.back().candidate] + " is last at " + fixed(ranking.back().ratio, 2) + "x";
  }
  return text + ".";
}

/// CPU of all phases together, of those that have all of them.
std::string verdict_of_all(const Comparison& c) {
  std::map<std::string, std::pair<Estimate, size_t>> sums;
  std::vector<std::string> phases;
  Section whole;
  for (const Section& s : c.sections) {
    if (s.type != "cpu" || (!phases.empty() && (s.unit != whole.unit || s.phase == phases.back()))) continue;
    whole.type = s.type;
    whole.unit = s.unit;
    phases.push_back(s.phase);
    for (size_t i = 0; i < s.matrix.names.size(); ++i) {
      auto& [sum, count] = sums[s.matrix.names[i]];
      sum += s.matrix.totals[i];
      ++count;
    }
  }
  if (phases.size() < 2) return "";
  std::vector<profile::Candidate> candidates;
  for (const auto& [name, sum] : sums)
    if (sum.second == phases.size()) candidates.push_back({name, {{{Part(), sum.first}}}, {}});
  if (candidates.size() < 2) return "";
  whole.matrix = profile::compare(candidates, c.min_samples);
  return verdict_of(whole, joined(phases) + " together, CPU as recorded");
}

}  // namespace

Amounts::Amounts(const Section& section) {
  double smallest = 0, largest = 0;
  for (const Estimate& e : section.matrix.totals) {
    double size = std::abs(e.value);
    largest = std::max(largest, size);
    if (size > 0 && (smallest == 0 || size < smallest)) smallest = size;
  }
  Step step = step_for(section.unit, smallest, largest);
  divisor_ = step.divisor;
  unit_ = step.unit;
  bool known = section.unit == "nanoseconds" || section.unit == "bytes" || section.unit == "count";
  if (!known && !section.unit.empty()) unit_ += (unit_.empty() ? " " : "") + section.unit;
  double shown = smallest / divisor_;
  decimals_ = divisor_ == 1 || shown >= 100 || largest >= 1000 * divisor_ ? 0 : shown >= 10 ? 1 : 2;
}

std::string Amounts::number(double value) const {
  std::string text = fixed(value / divisor_, decimals_);
  return text.find_first_not_of("-0.") == std::string::npos && text[0] == '-' ? text.substr(1) : text;
}

std::string Amounts::with_error(const Estimate& e) const {
  return number(e.value) + " ± " + number(e.error()) + unit_;
}

std::vector<Gap> gaps(const Section& section, size_t candidate, size_t against) {
  std::vector<Gap> out;
  for (const MatrixRow& r : section.matrix.components) {
    const Estimate &mine = r.cells[candidate], &other = r.cells[against];
    Gap g;
    g.component = r.part.component;
    g.difference = {mine.value - other.value, mine.variance + other.variance, mine.samples + other.samples};
    g.is_chance = std::abs(g.difference.value) <= distinguishable(mine, other);
    for (const MatrixRow& part : section.matrix.parts) {
      if (part.part.component != g.component || part.part.function.empty()) continue;
      double d = part.cells[candidate].value - part.cells[against].value;
      if ((d > 0) == (g.difference.value > 0) && std::abs(d) > std::abs(g.of_function)) {
        g.of_function = d;
        g.function = part.part.function;
      }
    }
    out.push_back(std::move(g));
  }
  std::ranges::sort(out, std::less(),
                    [](const Gap& g) { return std::pair(-std::abs(g.difference.value), g.component); });
  return out;
}

std::vector<Headroom> headroom(const Section& section, size_t max) {
  std::vector<Headroom> out;
  const profile::Matrix& m = section.matrix;
  size_t best = m.ranking[0].candidate;
  const Estimate& total = m.totals[best];
  for (const MatrixRow& r : m.parts) {
    const Estimate& cost = r.cells[best];
    if (cost.value <= 0 || total.value <= 0) continue;
    double share = std::min(cost.value / total.value, 1.0);
    double ratio = share < 1 ? 1 / (1 - share) : 0;
    out.push_back({r.part, cost, share, profile::Matrix::share_error(share, total.samples), ratio});
  }
  std::ranges::sort(out, std::less(), [](const Headroom& h) { return std::pair(-h.share, h.part); });
  if (out.size() > max) out.resize(max);
  return out;
}

std::string component_label(const Section& section, const std::string& component) {
  auto shortened = [](const std::string& c) {
    size_t blank = c.find(' '), slash = c.rfind('/');
    return slash == std::string::npos || blank > slash || c.starts_with("library")
               ? c
               : c.substr(0, blank + 1) + c.substr(slash + 1);
  };
  std::string mine = shortened(component);
  for (const MatrixRow& r : section.matrix.components)
    if (r.part.component != component && shortened(r.part.component) == mine) return component;
  return mine;
}

std::string function_label(const std::string& function) {
  return function.empty() ? "no own code" : profile::short_function_name(function);
}

std::string headroom_text(const Section& section, const Headroom& h, const Amounts& amounts) {
  std::string text = component_label(section, h.part.component);
  if (!h.part.function.empty()) text += " in " + function_label(h.part.function);
  text += ": " + amounts.with_error(h.cost) + ", " + share_text(h.share, h.share_error);
  return h.best_ratio > 0 ? text + "; without it " + fixed(h.best_ratio, 2) + "x better at most" : text;
}

std::string_view legend() {
  return "± is one standard error, from the numbers of samples and the spread of runs. Places with = are ties: no "
         "further from the first of them than two errors of the difference. Places with ? have too few samples. An own "
         "function has what it costs itself and in the libraries it calls.";
}

std::string rank_text(const Place& place) {
  return std::to_string(place.rank) + (place.tied ? "=" : "") + (place.few_samples ? "?" : "");
}

std::string share_text(double share, double error) {
  if (error == 0) return fixed(share * 100, 0) + " %";
  int decimals = error < 0.005 ? 1 : 0;
  return fixed(share * 100, decimals) + " ± " + fixed(error * 100, decimals) + " %";
}

std::string explanation(const Section& s, const Place& place, double min_samples) {
  const profile::Matrix& m = s.matrix;
  Amounts amounts(s);
  size_t best = m.ranking[0].candidate;
  const Estimate &mine = m.totals[place.candidate], &least = m.totals[best];
  std::string text = m.names[place.candidate] + " " + spends(s, amounts.with_error(mine));
  if (place.candidate == best) {
    std::string components = largest_components(s, best);
    std::vector<std::string> equals = first_places(s);
    equals.erase(equals.begin());
    if (m.names.size() > 1)
      text += equals.empty() ? ", the least" : ", the least within the errors together with " + joined(equals);
    text += (components.empty() ? "" : ": " + components) + ".";
    return text + few_samples(s, place, min_samples);
  }
  Estimate difference{mine.value - least.value, mine.variance + least.variance, 0};
  if (place.rank == 1) {
    text += ", a tie with " + m.names[best] + ": the difference of " + amounts.text(difference.value) +
            " is within two errors (" + amounts.text(2 * difference.error()) + ").";
  } else {
    text += ", " + fixed(place.ratio, 2) + " ± " + fixed(place.ratio_error, 2) + " times as much as " + m.names[best] +
            " (" + (difference.value < 0 ? "" : "+") + amounts.with_error(difference) + ")";
    const Place& leader = m.ranking[place.rank - 1];
    text += leader.candidate == place.candidate ? "." : ", a tie with " + m.names[leader.candidate] + ".";
  }
  return text + reasons(s, place.candidate, best) + few_samples(s, place, min_samples);
}

std::vector<std::string> verdict(const Comparison& comparison) {
  std::vector<std::string> out;
  for (const Section& s : comparison.sections)
    if (s.matrix.names.size() > 1) out.push_back(verdict_of(s, s.title()));
  if (std::string all = verdict_of_all(comparison); !all.empty()) out.push_back(all);
  return out;
}

}  // namespace watchfire::agent
