#include "binaries/rust_demangle.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

namespace watchfire::binaries {
namespace {

constexpr int kMaxDepth = 100;
constexpr int kMaxSteps = 10'000;
constexpr size_t kMaxOutput = 4096;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

// ---- the legacy form: Itanium's nested name with the hash as its last part ----

constexpr std::pair<std::string_view, std::string_view> kEscapes[] = {
    {"SP", "@"}, {"BP", "*"}, {"RF", "&"}, {"LT", "<"}, {"GT", ">"}, {"LP", "("}, {"RP", ")"}, {"C", ","}};

/// "$LT$", "$u20$" at the front of `part` as text, and how much of it they took; 0: no escape.
size_t read_escape(std::string_view part, std::string& out) {
  size_t end = part.find('$', 1);
  if (end == std::string_view::npos) return 0;
  auto code = part.substr(1, end - 1);
  for (auto [name, text] : kEscapes)
    if (code == name) {
      out += text;
      return end + 1;
    }
  uint32_t value = 0;
  if (code.size() < 2 || code[0] != 'u') return 0;
  auto [p, ec] = std::from_chars(code.data() + 1, code.data() + code.size(), value, 16);
  if (ec != std::errc() || p != code.data() + code.size() || value < 0x20 || value > 0x7e) return 0;
  out += static_cast<char>(value);
  return end + 1;
}

std::string unescape_legacy(std::string_view part) {
  std::string out;
  if (part.starts_with("_$")) part.remove_prefix(1);
  while (!part.empty()) {
    size_t taken = part[0] == '$' ? read_escape(part, out) : 0;
    if (taken == 0 && part.starts_with("..")) {
      out += "::";
      taken = 2;
    }
    if (taken == 0) {
      out += part[0];
      taken = 1;
    }
    part.remove_prefix(taken);
  }
  return out;
}

std::optional<std::string> demangle_legacy(std::string_view name) {
  std::string out;
  while (!name.empty() && is_digit(name[0])) {
    size_t length = 0;
    auto [p, ec] = std::from_chars(name.data(), name.data() + name.size(), length);
    name.remove_prefix(static_cast<size_t>(p - name.data()));
    if (ec != std::errc() || length == 0 || length > name.size()) return std::nullopt;
    auto part = name.substr(0, length);
    name.remove_prefix(length);
    bool last = name.starts_with('E');
    bool is_hash = part.size() == 17 && part[0] == 'h' && std::ranges::all_of(part.substr(1), is_lower_hex);
    if (last) return is_hash && !out.empty() ? std::optional(out) : std::nullopt;
    if (!out.empty()) out += "::";
    out += unescape_legacy(part);
  }
  return std::nullopt;
}

// ---- v0 ----

constexpr std::string_view basic_type(char c) {
  switch (c) {
    case 'a':
      return "i8";
    case 'b':
      return "bool";
    case 'c':
      return "char";
    case 'd':
      return "f64";
    case 'e':
      return "str";
    case 'f':
      return "f32";
    case 'h':
      return "u8";
    case 'i':
      return "isize";
    case 'j':
      return "usize";
    case 'l':
      return "i32";
    case 'm':
      return "u32";
    case 'n':
      return "i128";
    case 'o':
      return "u128";
    case 's':
      return "i16";
    case 't':
      return "u16";
    case 'u':
      return "()";
    case 'v':
      return "...";
    case 'x':
      return "i64";
    case 'y':
      return "u64";
    case 'z':
      return "!";
    case 'p':
      return "_";
    default:
      return {};
  }
}

/// Recursive descent over the v0 grammar. Lifetimes and the crates' hashes are left out of the text. A failure sets
/// failed_ and everything returns.
class V0 {
 public:
  explicit V0(std::string_view text) : text_(text) {}

  std::optional<std::string> run() {
    path(true);
    if (!failed_ && at_ < text_.size() && text_[at_] != '.' && text_[at_] != '$') {
      muted_ = true;  // the crate that instantiated it
      path(false);
    }
    bool ended = at_ == text_.size() || text_[at_] == '.' || text_[at_] == '$';
    return failed_ || !ended || out_.empty() ? std::nullopt : std::optional(out_);
  }

 private:
  struct Nesting {
    explicit Nesting(V0& v) : v(v) {
      if (++v.depth_ > kMaxDepth || ++v.steps_ > kMaxSteps || v.out_.size() > kMaxOutput) v.failed_ = true;
    }
    ~Nesting() { --v.depth_; }
    V0& v;
  };

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (failed_ || peek() != c) return false;
    ++at_;
    return true;
  }
  char next() {
    if (failed_ || at_ >= text_.size()) {
      failed_ = true;
      return '\0';
    }
    return text_[at_++];
  }
  void print(std::string_view text) {
    if (!muted_) out_ += text;
  }

  /// "_" is 0, else digits in base 62 and "_": one more than they say.
  uint64_t base62() {
    if (take('_')) return 0;
    uint64_t value = 0;
    while (!take('_')) {
      char c = next();
      uint64_t digit = is_digit(c)            ? static_cast<uint64_t>(c - '0')
                       : c >= 'a' && c <= 'z' ? static_cast<uint64_t>(c - 'a') + 10
                       : c >= 'A' && c <= 'Z' ? static_cast<uint64_t>(c - 'A') + 36
                                              : 62;
      if (digit == 62 || value > UINT64_MAX / 64 - 62) failed_ = true;
      if (failed_) return 0;
      value = value * 62 + digit;
    }
    return value + 1;
  }
  uint64_t disambiguator() { return take('s') ? base62() + 1 : 0; }

  std::string identifier() {
    bool punycode = take('u');
    size_t length = 0;
    if (!is_digit(peek())) failed_ = true;
    if (!take('0'))
      while (!failed_ && is_digit(peek()) && length < text_.size())
        length = length * 10 + static_cast<size_t>(next() - '0');
    take('_');
    if (failed_ || length > text_.size() - at_) {
      failed_ = true;
      return {};
    }
    std::string name(text_.substr(at_, length));
    at_ += length;
    return punycode ? "punycode{" + name + "}" : name;
  }

  /// Runs `read` at an earlier place of the symbol.
  template <typename Read>
  void backref(Read read) {
    uint64_t target = base62();
    if (failed_ || target >= at_) {
      failed_ = true;
      return;
    }
    size_t back = at_;
    at_ = target;
    read();
    at_ = back;
  }

  void path(bool in_value) {
    Nesting nesting(*this);
    switch (next()) {
      case 'C':
        disambiguator();
        return print(identifier());
      case 'M':
        impl_path();
        print("<");
        type();
        return print(">");
      case 'X':
        impl_path();
        [[fallthrough]];
      case 'Y':
        print("<");
        type();
        print(" as ");
        path(false);
        return print(">");
      case 'N':
        return nested(in_value);
      case 'I':
        path(in_value);
        print(in_value ? "::<" : "<");
        list([this] { generic_argument(); });
        return print(">");
      case 'B':
        return backref([&] { path(in_value); });
      default:
        failed_ = true;
    }
  }

  void impl_path() {
    bool before = std::exchange(muted_, true);
    disambiguator();
    path(false);
    muted_ = before;
  }

  void nested(bool in_value) {
    char space = next();
    path(in_value);
    uint64_t number = disambiguator();
    std::string name = identifier();
    if (failed_) return;
    if (space >= 'A' && space <= 'Z') {
      print("::{");
      print(space == 'C' ? "closure" : space == 'S' ? "shim" : std::string_view(&space, 1));
      if (!name.empty()) print(":" + name);
      print("#" + std::to_string(number) + "}");
    } else if (!name.empty()) {
      print("::" + name);
    }
  }

  template <typename Item>
  void list(Item item) {
    for (bool first = true; !failed_ && !take('E'); first = false) {
      if (!first) print(", ");
      item();
    }
  }

  void generic_argument() {
    if (take('L')) {
      base62();
      print("'_");
    } else if (take('K')) {
      constant();
    } else {
      type();
    }
  }

  void type() {
    Nesting nesting(*this);
    char c = next();
    if (auto name = basic_type(c); !name.empty()) return print(name);
    switch (c) {
      case 'R':
      case 'Q':
        if (take('L')) base62();
        print(c == 'R' ? "&" : "&mut ");
        return type();
      case 'P':
        print("*const ");
        return type();
      case 'O':
        print("*mut ");
        return type();
      case 'A':
        print("[");
        type();
        print("; ");
        constant();
        return print("]");
      case 'S':
        print("[");
        type();
        return print("]");
      case 'T':
        return tuple();
      case 'F':
        return function();
      case 'D':
        return dynamic();
      case 'B':
        return backref([this] { type(); });
      default:
        if (!failed_) --at_;
        path(false);
    }
  }

  void tuple() {
    int count = 0;
    print("(");
    list([&] {
      type();
      ++count;
    });
    print(count == 1 ? ",)" : ")");
  }

  void function() {
    if (take('G')) base62();
    if (take('U')) print("unsafe ");
    if (take('K')) {
      std::string abi = take('C') ? "C" : identifier();
      std::ranges::replace(abi, '_', '-');
      print("extern \"" + abi + "\" ");
    }
    print("fn(");
    list([this] { type(); });
    print(")");
    if (take('u')) return;
    print(" -> ");
    type();
  }

  void dynamic() {
    print("dyn ");
    if (take('G')) base62();
    for (bool first = true; !failed_ && !take('E'); first = false) {
      if (!first) print(" + ");
      path(false);
      while (take('p')) {
        print(" with " + identifier() + " = ");
        type();
      }
    }
    if (take('L')) base62();
  }

  void constant() {
    Nesting nesting(*this);
    if (take('p')) return print("_");
    if (take('B')) return backref([this] { constant(); });
    char kind = next();
    bool negative = take('n');
    size_t start = at_;
    while (!failed_ && is_lower_hex(peek())) ++at_;
    auto digits = text_.substr(start, at_ - start);
    if (!take('_') || basic_type(kind).empty()) failed_ = true;
    if (failed_) return;
    if (kind == 'b') return print(digits == "1" ? "true" : "false");
    uint64_t value = 0;
    auto [p, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    std::string text = ec == std::errc() ? std::to_string(value) : "0x" + std::string(digits);
    print((negative ? "-" : "") + text);
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
  bool muted_ = false;
  bool failed_ = false;
  int depth_ = 0;
  int steps_ = 0;
};

}  // namespace

std::optional<std::string> demangle_rust(std::string_view name) {
  if (name.starts_with("_R") && name.size() > 2 && name[2] >= 'A' && name[2] <= 'Z') return V0(name.substr(2)).run();
  if (name.starts_with("_ZN")) return demangle_legacy(name.substr(3));
  return std::nullopt;
}

}  // namespace watchfire::binaries
