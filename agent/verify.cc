#include "agent/verify.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "agent/analyst/finding_builder.h"
#include "agent/measure.h"

namespace watchfire::agent {
namespace {

using findings::Evidence;
using findings::EvidenceNumber;
using findings::Finding;
using profile::Selector;
using profile::TopRow;

constexpr double kTolerance = 0.005;
constexpr double kShareRounding = 0.00005;  // shares are shown with four decimals
constexpr DurationNs kMaxRange = 31 * 24 * kHour;
constexpr double kSamplesForFullTrust = 50;
constexpr double kModelConfidence = 0.9;
constexpr int64_t kMinSamples = 100;
constexpr double kFixedBelow = 0.5;

bool agrees(double claimed, double actual, double rounding = 0) {
  return std::fabs(claimed - actual) <= kTolerance * std::fabs(actual) + rounding;
}

std::string number_text(double v) {
  char text[40];
  std::snprintf(text, sizeof text, "%.10g", v);
  return text;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// The text with the names in it, which are checked otherwise, as one word each.
std::string own_words(std::string text, const Finding& f) {
  for (const std::string* name : {&f.function.raw(), &f.service.raw()})
    for (size_t at = 0; !name->empty() && (at = text.find(*name, at)) != std::string::npos; ++at)
      text.replace(at, name->size(), "_");
  return text;
}

// Whether a number stands in the text by itself; digits within a word (`sha256`) are none.
bool has_number(std::string_view text) {
  char before = ' ';
  for (char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) && !is_word(before)) return true;
    before = c;
  }
  return false;
}

// Links would be fetched or clicked by whoever shows the text.
bool has_link(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* sign : {"://", "www.", "mailto:", "](", "<!", "<@"})
    if (text.find(sign) != std::string::npos) return true;
  return false;
}

// Whether the query asks for the whole service, so that shares are shares of it.
bool is_whole_service(const Selector& selector) {
  return std::ranges::all_of(selector.matchers(), [](const Selector::Matcher& m) {
    return m.op == Selector::Op::kEqual && (m.name == "service_name" || m.name == "source");
  });
}

// What the function cost in one window, all from the profile.
struct Cost {
  Measured measured;
  TopRow row;
};

// One evidence with its numbers replaced by the profile's, or why it is struck.
Result<std::pair<Evidence, std::optional<Cost>>> check_evidence(profile::Query& query, const Finding& f,
                                                                const Evidence& claimed) {
  auto strike = [](std::string why) { return fail(ErrorCode::kInvalidArgument, std::move(why)); };
  if (claimed.range.length() <= 0 || claimed.range.length() > kMaxRange)
    return strike("its range is empty or too long");
  WF_ASSIGN(Selector selector, Selector::parse(claimed.query));
  if (service_of(selector) != f.service.raw()) return strike("its query does not select the service of the finding");
  if (claimed.numbers.empty()) return strike("it holds no numbers");
  WF_ASSIGN(Measured m, measure(query, selector, claimed.range));
  if (m.merged.stats.partial) return strike("its query is only answered in part: take a shorter range");
  std::optional<TopRow> row;
  if (!claimed.function.empty()) {
    WF_ASSIGN(row, find_function(*m.merged.profile, claimed.function.raw()));
    if (!row) return strike("the profile has no function '" + claimed.function.raw() + "'");
  }
  Evidence e = claimed;
  e.query = selector.text();
  for (EvidenceNumber& n : e.numbers) {
    double actual = 0;
    n.unit = m.merged.type.sample_unit;
    if (n.name == "total") {
      actual = static_cast<double>(m.total);
    } else if (n.name == "samples") {
      actual = static_cast<double>(m.samples);
      n.unit = "samples";
    } else if ((n.name == "flat" || n.name == "cum") && row) {
      actual = static_cast<double>(n.name == "flat" ? row->flat : row->cum);
    } else {
      return strike("its number '" + n.name + "' can't be checked: flat, cum (of a function), total or samples can");
    }
    if (!agrees(n.value, actual))
      return strike(n.name + " is " + number_text(actual) + ", not " + number_text(n.value));
    n.value = actual;
  }
  e.tool = row ? "peek" : "top";
  e.command = evidence_command(f.service.raw(), m.merged.type, e.range, e.function.raw());
  std::optional<Cost> cost;
  if (row && e.function == f.function && m.resource == f.resource && is_whole_service(selector))
    cost = Cost{std::move(m), *std::move(row)};
  return std::pair(std::move(e), std::move(cost));
}

std::vector<EvidenceNumber> cost_numbers(const Cost& cost) {
  const std::string& unit = cost.measured.merged.type.sample_unit;
  return {{"total", static_cast<double>(cost.measured.total), unit},
          {"flat", static_cast<double>(cost.row.flat), unit},
          {"cum", static_cast<double>(cost.row.cum), unit}};
}

// Fills what follows from the cost; `value` is the function's cum or flat.
void set_cost(Finding& f, const Cost& cost, int64_t value) {
  f.amount = cost.measured.amount(value);
  f.share = cost.measured.share(value);
  double behind = f.share * static_cast<double>(cost.measured.samples);
  f.samples = std::llround(behind);
  f.confidence = std::clamp(f.confidence, 0.0, kModelConfidence * (1 - std::exp(-behind / kSamplesForFullTrust)));
  f.file = UntrustedText(cost.row.file);
}

// Why the finding's own numbers can't stand; "" when they do, and then they are the profile's.
std::string check_cost(Finding& f, const Cost& cost) {
  for (int64_t value : {cost.row.cum, cost.row.flat}) {
    if (!agrees(f.share, cost.measured.share(value), kShareRounding) || !agrees(f.amount, cost.measured.amount(value)))
      continue;
    double most = cost.measured.amount(value);
    if (!(f.gain_bound >= 0) || f.gain_bound > most * (1 + kTolerance))
      return "gain_bound " + number_text(f.gain_bound) + " is more than the amount " + number_text(most);
    set_cost(f, cost, value);
    f.gain_bound = std::min(f.gain_bound, f.amount);
    return "";
  }
  return "share " + number_text(f.share) + " and amount " + number_text(f.amount) +
         " are not the function's: share and amount are " + number_text(cost.measured.share(cost.row.cum)) + " and " +
         number_text(cost.measured.amount(cost.row.cum)) + " by cum, " +
         number_text(cost.measured.share(cost.row.flat)) + " and " + number_text(cost.measured.amount(cost.row.flat)) +
         " by flat";
}

std::string check_texts(const Finding& f) {
  const std::string* texts[] = {&f.title.raw(), &f.explanation.raw(), &f.advice};
  for (const std::string* text : texts) {
    std::string words = own_words(*text, f);
    if (has_link(words)) return "its texts hold a link; leave links out";
    if (has_number(words))
      return "its texts hold a number; write texts without numbers, the checked ones are shown beside them";
  }
  bool plain = !f.cause_class.empty() && f.cause_class.size() <= 64 &&
               std::ranges::all_of(f.cause_class, [](char c) { return is_word(c); });
  return plain ? "" : "cause_class is a word of letters, digits and underscores";
}

}  // namespace

Verdict verify(profile::Query& query, const Finding& claimed) {
  Verdict verdict;
  if (std::string why = check_texts(claimed); !why.empty()) {
    verdict.struck.push_back(why);
    return verdict;
  }
  Finding f = claimed;
  f.evidence.clear();
  std::optional<Cost> cost;
  for (size_t i = 0; i < claimed.evidence.size(); ++i) {
    auto checked = check_evidence(query, claimed, claimed.evidence[i]);
    if (!checked) {
      verdict.struck.push_back("evidence " + std::to_string(i + 1) + ": " + checked.error().text());
      continue;
    }
    // The evidence that the cost is taken from comes first: it is shown first, and measured again.
    if (checked->second && !cost) {
      cost = std::move(checked->second);
      f.evidence.insert(f.evidence.begin(), std::move(checked->first));
    } else {
      f.evidence.push_back(std::move(checked->first));
    }
  }
  if (!cost) {
    verdict.struck.push_back("no evidence about the finding's own function, service and resource is left");
    return verdict;
  }
  if (std::string why = check_cost(f, *cost); !why.empty()) {
    verdict.struck.push_back(why);
    return verdict;
  }
  f.evidence[0].numbers = cost_numbers(*cost);
  f.change.reset();
  f.author = "model";
  f.life = findings::Life::kNew;
  f.key =
      finding_key(f.service.raw(), "model:" + std::string(findings::resource_name(f.resource)), {f.function.raw(), ""});
  verdict.finding = std::move(f);
  return verdict;
}

std::optional<Finding> measure_again(profile::Query& query, const Finding& known, TimeRange window) {
  if (known.evidence.empty() || known.amount <= 0) return std::nullopt;
  auto selector = Selector::parse(known.evidence[0].query);
  if (!selector) return std::nullopt;
  auto measured = measure(query, *selector, window);
  if (!measured || measured->merged.stats.partial) return std::nullopt;
  if (measured->resource == findings::Resource::kCpu && measured->samples < kMinSamples) return std::nullopt;
  auto row = find_function(*measured->merged.profile, known.function.raw());
  if (!row) return std::nullopt;
  TopRow found = row->value_or(TopRow{.name = known.function.raw(), .file = known.file.raw()});

  // Whether the finding speaks of cum or of flat shows in the numbers it was filed with.
  std::map<std::string, double> was;
  for (const EvidenceNumber& n : known.evidence[0].numbers) was[n.name] = n.value;
  bool by_flat = was.contains("flat") && was.contains("total") && was["total"] > 0 &&
                 agrees(known.share, was["flat"] / was["total"]) &&
                 !(was.contains("cum") && agrees(known.share, was["cum"] / was["total"]));
  Cost cost{*std::move(measured), std::move(found)};
  int64_t value = by_flat ? cost.row.flat : cost.row.cum;
  Finding f = known;
  f.confidence = kModelConfidence;
  set_cost(f, cost, value);
  f.confidence = std::min(f.confidence, known.confidence);
  f.gain_bound = f.amount * std::clamp(known.gain_bound / known.amount, 0.0, 1.0);
  double noise = 2 * known.amount / std::sqrt(std::max<double>(1, static_cast<double>(known.samples)));
  bool is_fixed = f.amount < known.amount * kFixedBelow && known.amount - f.amount > noise;
  f.life = is_fixed ? findings::Life::kFixed : findings::Life::kOpen;
  Evidence e = known.evidence[0];
  e.range = window;
  e.numbers = cost_numbers(cost);
  e.command = evidence_command(f.service.raw(), cost.measured.merged.type, window, f.function.raw());
  f.evidence = {std::move(e)};
  return f;
}

}  // namespace watchfire::agent
