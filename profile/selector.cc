#include "profile/selector.h"

#include <re2/re2.h>

#include <array>

namespace watchfire::profile {
namespace {

constexpr size_t kMaxText = 4096;
constexpr size_t kMaxMatchers = 32;

std::shared_ptr<const re2::RE2> compile(const std::string& pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(1 << 20);
  return std::make_shared<re2::RE2>("^(?:" + pattern + ")$", options);
}

// Recursive descent over the text; `at_` is the next byte to read.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> type_parts() {
    skip_blanks();
    std::vector<std::string> parts;
    size_t start = at_;
    auto take_part = [&] { parts.emplace_back(text_.substr(start, at_ - start)); };
    for (; at_ < text_.size() && text_[at_] != '{'; ++at_) {
      char c = text_[at_];
      if (c == ':') {
        take_part();
        start = at_ + 1;
        if (parts.size() >= 5) return error("a profile type has at most five parts");
      } else if (c == ' ') {
        break;
      } else if (!(std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' || c == '/')) {
        return error("unexpected " + quoted(c) + " in the profile type");
      }
    }
    take_part();
    skip_blanks();
    if (at_ < text_.size() && text_[at_] != '{') return error("expected '{' after the profile type");
    if (parts.size() == 1 && parts[0].empty()) parts.clear();
    return parts;
  }

  Status matchers(Selector& into) {
    if (at_ >= text_.size()) return {};
    ++at_;
    skip_blanks();
    if (take('}')) return end();
    for (size_t n = 0;; ++n) {
      if (n >= kMaxMatchers) return error("more than " + std::to_string(kMaxMatchers) + " matchers");
      WF_TRY(matcher(into));
      skip_blanks();
      if (take(',')) {
        skip_blanks();
        if (take('}')) return end();
        continue;
      }
      if (take('}')) return end();
      return error(at_ < text_.size() ? "expected ',' or '}' after a matcher" : "the '{' is never closed");
    }
  }

 private:
  Status matcher(Selector& into) {
    size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
    std::string name(text_.substr(start, at_ - start));
    if (!is_label_name(name)) {
      at_ = start;
      return error("expected a label name");
    }
    skip_blanks();
    WF_ASSIGN(Selector::Op op, operation());
    skip_blanks();
    size_t value_at = at_;
    WF_ASSIGN(std::string value, string());
    bool is_regex = op == Selector::Op::kMatches || op == Selector::Op::kNotMatches;
    if (is_regex) {
      if (auto regex = compile(value); !regex->ok()) {
        at_ = value_at;
        return error("bad regular expression: " + regex->error());
      }
    }
    into.add_matcher(std::move(name), op, std::move(value));
    return {};
  }

  Result<Selector::Op> operation() {
    if (text_.substr(at_).starts_with("=~")) return at_ += 2, Selector::Op::kMatches;
    if (text_.substr(at_).starts_with("!~")) return at_ += 2, Selector::Op::kNotMatches;
    if (text_.substr(at_).starts_with("!=")) return at_ += 2, Selector::Op::kNotEqual;
    if (take('=')) return Selector::Op::kEqual;
    return error("expected one of = != =~ !~");
  }

  Result<std::string> string() {
    if (!take('"')) return error("expected a value in double quotes");
    size_t open = at_ - 1;
    std::string out;
    while (at_ < text_.size()) {
      char c = text_[at_++];
      if (c == '"') return out;
      if (c == '\\' && at_ < text_.size()) {
        char escaped = text_[at_++];
        if (escaped == 'n')
          out += '\n';
        else if (escaped == '"' || escaped == '\\')
          out += escaped;
        else {
          at_ -= 2;
          return error("unknown escape; only \\\\, \\\" and \\n are known");
        }
        continue;
      }
      out += c;
    }
    at_ = open;
    return error("this value's closing quote is missing");
  }

  Status end() {
    skip_blanks();
    if (at_ < text_.size()) return error("text after the closing '}'");
    return {};
  }

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  static std::string quoted(char c) { return std::string("'") + c + "'"; }
  std::unexpected<Error> error(std::string message) const {
    return fail(Error(ErrorCode::kInvalidArgument, "selector: " + message + " (column " + std::to_string(at_ + 1) + ")")
                    .at(1, static_cast<int>(at_ + 1))
                    .hinted("a selector looks like process_cpu:cpu{service_name=\"api\"}"));
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::string_view op_text(Selector::Op op) {
  switch (op) {
    case Selector::Op::kEqual:
      return "=";
    case Selector::Op::kNotEqual:
      return "!=";
    case Selector::Op::kMatches:
      return "=~";
    case Selector::Op::kNotMatches:
      return "!~";
  }
  return "=";
}

}  // namespace

bool Selector::Matcher::matches(std::string_view label_value) const {
  switch (op) {
    case Op::kEqual:
      return label_value == value;
    case Op::kNotEqual:
      return label_value != value;
    case Op::kMatches:
      return re2::RE2::PartialMatch(label_value, *regex);
    case Op::kNotMatches:
      return !re2::RE2::PartialMatch(label_value, *regex);
  }
  return false;
}

Result<Selector> Selector::parse(std::string_view text) {
  if (text.size() > kMaxText)
    return fail(ErrorCode::kInvalidArgument, "selector: longer than " + std::to_string(kMaxText) + " bytes");
  Selector out;
  Parser parser(text);
  WF_ASSIGN(out.type_parts_, parser.type_parts());
  WF_TRY(parser.matchers(out));
  return out;
}

Selector Selector::of_service(std::string_view type, std::string_view service) {
  Selector out;
  for (size_t at = 0; at <= type.size();) {
    size_t colon = std::min(type.find(':', at), type.size());
    out.type_parts_.emplace_back(type.substr(at, colon - at));
    at = colon + 1;
  }
  out.add_matcher("service_name", Op::kEqual, std::string(service));
  return out;
}

void Selector::add_matcher(std::string name, Op op, std::string value) {
  Matcher m{std::move(name), op, std::move(value), nullptr};
  if (op == Op::kMatches || op == Op::kNotMatches) m.regex = compile(m.value);
  matchers_.push_back(std::move(m));
}

bool Selector::matches(const Labels& labels, const ProfileType& type) const {
  const std::array<std::string_view, 5> parts = {type.name, type.sample_type, type.sample_unit, type.period_type,
                                                 type.period_unit};
  for (size_t i = 0; i < type_parts_.size() && i < parts.size(); ++i)
    if (!type_parts_[i].empty() && type_parts_[i] != parts[i]) return false;
  for (const Matcher& m : matchers_)
    if (!m.matches(label_or_empty(labels, m.name))) return false;
  return true;
}

bool Selector::names_label(std::string_view label) const {
  for (const Matcher& m : matchers_)
    if (m.name == label) return true;
  return false;
}

std::string Selector::text() const {
  std::string out;
  for (size_t i = 0; i < type_parts_.size(); ++i) out += (i ? ":" : "") + type_parts_[i];
  if (matchers_.empty()) return out.empty() ? "{}" : out;
  out += '{';
  for (size_t i = 0; i < matchers_.size(); ++i) {
    const Matcher& m = matchers_[i];
    out += (i ? "," : "") + m.name + std::string(op_text(m.op)) + '"';
    for (char c : m.value) {
      if (c == '"' || c == '\\') out += '\\';
      if (c == '\n')
        out += "\\n";
      else
        out += c;
    }
    out += '"';
  }
  return out + '}';
}

}  // namespace watchfire::profile
