#include "agent/analyst/function_name.h"

#include <re2/re2.h>

namespace watchfire::agent {
namespace {

bool is_identifier(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '$';
}

// The position behind the bracket that closes the one at `at`; the end when none does. Other brackets inside are
// skipped as wholes, so that arrows and comparisons in arguments close nothing.
size_t behind_group(std::string_view text, size_t at) {
  std::string closers;
  for (size_t i = at; i < text.size(); ++i) {
    switch (text[i]) {
      case '(':
        closers += ')';
        break;
      case '[':
        closers += ']';
        break;
      case '{':
        closers += '}';
        break;
      case '<':
        if (closers.empty() || closers.back() == '>') closers += '>';
        break;
      case '>':
        if (i > at && (text[i - 1] == '-' || text[i - 1] == '=')) continue;
        [[fallthrough]];
      case ')':
      case ']':
      case '}':
        if (closers.empty() || closers.back() != text[i]) continue;
        closers.pop_back();
        if (closers.empty()) return i + 1;
        break;
      default:
        break;
    }
  }
  return text.size();
}

// Go's parentheses stand behind a dot: "main.(*T).Method".
bool is_cxx_or_rust(std::string_view name) {
  if (name.find("::") != std::string_view::npos || name.find('<') != std::string_view::npos) return true;
  size_t open = name.find('(');
  return open != std::string_view::npos && open > 0 && name[open - 1] != '.';
}

std::string go_name(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size();) {
    if (name[i] == '[' && i > 0) {
      i = behind_group(name, i);
    } else {
      out += name[i++];
    }
  }
  return out;
}

// One C++ or Rust name, read once from left to right.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::string run() {
    if (text_.starts_with('<')) copy_self();
    while (at_ < text_.size()) step();
    while (out_.ends_with("::")) out_.resize(out_.size() - 2);
    return std::move(out_);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }

  void step() {
    char c = text_[at_];
    if (rest().starts_with("(anonymous namespace)")) return copy(21);
    if (at_operator()) return copy_operator();
    if (c == '{') return copy_braces();
    if (c == '(') return skip_parameters();
    if (c == '<' || c == '[') return skip_arguments();
    if (c == ' ') {
      out_.clear();  // what came before was a result type, or "vtable for"
      ++at_;
      return;
    }
    copy(1);
  }

  void copy(size_t n) {
    out_ += text_.substr(at_, n);
    at_ += n;
  }

  // Rust's "<Self as Trait>": both stay, without their arguments.
  void copy_self() {
    size_t end = behind_group(text_, 0);
    for (size_t i = 0; i < end;) {
      if (i > 0 && text_[i] == '<')
        i = behind_group(text_.substr(0, end), i);
      else
        out_ += text_[i++];
    }
    at_ = end;
  }

  bool at_operator() const {
    if (!rest().starts_with("operator") || (at_ > 0 && is_identifier(text_[at_ - 1]))) return false;
    return rest().size() > 8 && !is_identifier(rest()[8]);
  }

  void copy_operator() {
    copy(8);
    if (rest().starts_with("()") || rest().starts_with("[]")) return copy(2);
    if (rest().starts_with(' ')) {  // "operator new", or a conversion up to its parameters
      while (at_ < text_.size() && text_[at_] != '(' && text_[at_] != '<') copy(1);
      return;
    }
    while (at_ < text_.size() && text_.substr(at_, 1).find_first_of("<>=!+-*/%^&|~,") == 0) copy(1);
    // "operator<" and its template arguments are kept apart by a blank, and "operator<<<char>" is read too far.
    if (rest().starts_with(" <")) ++at_;
    if (out_.ends_with("<<<")) out_.pop_back(), --at_;
  }

  // "{lambda(int)#1}" loses its parameters; "{{closure}}" has none.
  void copy_braces() {
    size_t end = behind_group(text_, at_);
    while (at_ < end) {
      if (text_[at_] == '(')
        at_ = behind_group(text_, at_);
      else
        copy(1);
    }
  }

  void skip_parameters() {
    at_ = behind_group(text_, at_);
    for (std::string_view qualifier : {" const", " volatile", " &&", " &"})
      if (rest().starts_with(qualifier)) at_ += qualifier.size();
    if (rest().starts_with(" [")) at_ = text_.size();
  }

  void skip_arguments() {
    at_ = behind_group(text_, at_);
    if (out_.ends_with("::") && rest().starts_with("::")) at_ += 2;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
};

void strip(std::string& text, const re2::RE2& what) {
  re2::RE2::GlobalReplace(&text, what, "");
}

}  // namespace

std::string own_name(std::string_view name) {
  static const re2::RE2 clones(R"((?:\.(?:constprop|isra|part|llvm|lto_priv)\.\d+)+(?:\.cold)?$|::h[0-9a-f]{16}$)");
  static const re2::RE2 inline_namespaces(R"(\b(?:__cxx11|__1|__2|__ndk1|_V2)::)");
  std::string out = is_cxx_or_rust(name) ? Reader(name).run() : go_name(name);
  strip(out, clones);
  strip(out, inline_namespaces);
  return out.empty() ? std::string(name) : out;
}

std::string stable_name(std::string_view name) {
  static const re2::RE2 numbered(
      R"((?:-fm|-range\d+|\.(?:func|gowrap|deferwrap)\d+(?:\.\d+)*|::\{lambda#\d+\}(?:::operator\(\))?|::\{\{?closure(?:#\d+)?\}\}?)+$)");
  std::string out = own_name(name);
  strip(out, numbered);
  return out;
}

}  // namespace watchfire::agent
