#include "converters/demangle_names.h"

#include <vector>

#include "binaries/demangle.h"

namespace watchfire::converters {
namespace {

bool is_identifier(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '$';
}

/// The position behind the bracket that closes the one at `at`; npos when none does. Arrows and comparisons inside
/// template arguments stand in parentheses, so angle brackets count only outside those.
size_t closing(std::string_view text, size_t at) {
  char open = text[at];
  char close = open == '(' ? ')' : open == '<' ? '>' : '}';
  size_t depth = 0;
  for (size_t i = at; i < text.size(); ++i) {
    if (open == '<' && text[i] == '(') {
      i = closing(text, i);
      if (i == std::string_view::npos) return i;
      --i;
    } else if (text[i] == open) {
      ++depth;
    } else if (text[i] == close && (open != '<' || text[i - 1] != '-')) {
      if (--depth == 0) return i + 1;
    }
  }
  return std::string_view::npos;
}

constexpr std::string_view kSymbols[] = {
    "()", "[]", "<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "==", "!=",
    "&&", "||", "++",  "--",  "+=",  "-=",  "*=", "/=", "%=", "^=", "&=", "|=", "<",
    ">",  "+",  "-",   "*",   "/",   "%",   "^",  "&",  "|",  "~",  "!",  "=",  ","};
constexpr std::string_view kPrefixes[] = {
    "vtable for ",
    "VTT for ",
    "typeinfo for ",
    "typeinfo name for ",
    "guard variable for ",
    "construction vtable for ",
    "TLS wrapper function for ",
    "TLS init function for ",
    "reference temporary for ",
    "non-virtual thunk to ",
    "virtual thunk to ",
    "covariant return thunk to ",
};

/// Shortens one demangled C++ name: drops parameters and return types, and template arguments unless they are to
/// be kept. Reads the text once from left to right.
class CxxShortener {
 public:
  CxxShortener(std::string_view text, bool keep_templates) : text_(text), keep_templates_(keep_templates) {}

  std::string run() {
    if (text_.starts_with("transaction clone for ") || text_.starts_with("non-transaction clone for ")) {
      append_types(text_);  // upstream leaves their parameters
      return std::move(out_);
    }
    for (std::string_view prefix : kPrefixes) {
      if (!text_.starts_with(prefix)) continue;
      return std::string(prefix) + CxxShortener(text_.substr(prefix.size()), keep_templates_).run();
    }
    while (at_ < text_.size()) step();
    return std::move(out_);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }
  void copy(size_t n) {
    out_ += text_.substr(at_, n);
    at_ += n;
  }

  void step() {
    char c = text_[at_];
    if (rest().starts_with("(anonymous namespace)")) return copy(21);
    if (at_operator()) return copy_operator();
    if (c == '{') return copy_braces();
    if (c == '(') return skip_parameters();
    if (c == '<') return template_arguments();
    if (c == ' ') {
      ++at_;
      if (rest().starts_with("[clone "))
        at_ = text_.size();
      else
        out_.clear();  // what came before was a return type
      return;
    }
    copy(1);
  }

  bool at_operator() const {
    if (!rest().starts_with("operator") || (at_ > 0 && is_identifier(text_[at_ - 1]))) return false;
    return rest().size() > 8 && !is_identifier(rest()[8]);
  }

  void copy_operator() {
    copy(8);
    for (std::string_view symbol : kSymbols) {
      if (!rest().starts_with(symbol)) continue;
      copy(symbol.size());
      if (rest().starts_with(" <")) ++at_;  // the blank keeps "operator<" and template arguments apart
      return;
    }
    if (rest().starts_with(" new") || rest().starts_with(" delete")) {
      copy(rest().starts_with(" new") ? 4 : 7);
      if (rest().starts_with("[]")) copy(2);
      return;
    }
    if (rest().starts_with("\"\" ")) return copy(3);
    // A conversion: the type up to the parameters, shortened as any name but with its blanks.
    while (at_ < text_.size() && text_[at_] != '(') {
      if (text_[at_] == '<')
        template_arguments();
      else
        copy(1);
    }
  }

  /// "{lambda(int)#1}", "{unnamed type#1}", "{default arg#1}".
  void copy_braces() {
    size_t end = closing(text_, at_);
    if (end == std::string_view::npos) return copy(rest().size());
    std::string_view inside = text_.substr(at_, end - at_);
    at_ = end;
    size_t open = inside.find('(');
    if (!inside.starts_with("{lambda(")) {
      out_ += inside;
      return;
    }
    size_t close = closing(inside, open);
    if (close == std::string_view::npos) {
      out_ += inside;
      return;
    }
    out_ += inside.substr(0, open + 1);
    append_types(inside.substr(open + 1, close - open - 2));
    out_ += inside.substr(close - 1);
  }

  void append_types(std::string_view types) {
    for (size_t i = 0; i < types.size();) {
      size_t end = types[i] == '<' && !keep_templates_ ? closing(types, i) : i + 1;
      if (end == std::string_view::npos) end = types.size();
      if (end == i + 1) out_ += types[i];
      i = end;
    }
  }

  void skip_parameters() {
    size_t end = closing(text_, at_);
    at_ = end == std::string_view::npos ? text_.size() : end;
    for (std::string_view qualifier : {" const", " volatile", " &&", " &"}) {
      if (rest().starts_with(qualifier)) at_ += qualifier.size();
    }
    if (rest().starts_with("::")) out_ += "()";  // the function a local class or lambda lies in
  }

  void template_arguments() {
    size_t end = closing(text_, at_);
    if (end == std::string_view::npos) return copy(rest().size());
    if (keep_templates_) return copy(end - at_);
    at_ = end;
  }

  std::string_view text_;
  bool keep_templates_;
  size_t at_ = 0;
  std::string out_;
};

/// Names of C++ that are demangled already; those of Java and Go look a little like it.
bool looks_like_cxx(std::string_view name) {
  if (name.find(".<") != std::string_view::npos || name.find("]).") != std::string_view::npos) return false;
  return name.find_first_of("<>[]") != std::string_view::npos || name.find("::") != std::string_view::npos;
}

/// The name without nested groups of the two brackets; unchanged from where they don't match.
std::string without_groups(std::string name, char open, char close) {
  size_t nesting = 0;
  size_t first = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == open && nesting++ == 0) first = i;
    if (name[i] != close) continue;
    if (nesting == 0) return name;
    if (--nesting == 0) {
      name.erase(first, i + 1 - first);
      i = first - 1;
    }
  }
  return name;
}

bool is_rust(std::string_view mangled) {
  if (mangled.starts_with("_R") || mangled.starts_with("__R")) return true;
  size_t hash = mangled.rfind("17h");
  if (hash == std::string_view::npos || mangled.size() < hash + 20 || mangled[hash + 19] != 'E') return false;
  return mangled.substr(hash + 3, 16).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string readable_name(std::string_view system_name, DemangleMode mode) {
  if (mode == DemangleMode::kNone) return std::string(system_name);
  for (std::string_view mangled : {system_name, system_name.substr(system_name.starts_with("__") ? 1 : 0)}) {
    if (!mangled.starts_with("_Z") && !mangled.starts_with("_R")) continue;
    std::string full = binaries::demangle(mangled);
    if (full == mangled) continue;
    if (is_rust(mangled)) return full;
    if (mode != DemangleMode::kFull) return CxxShortener(full, mode == DemangleMode::kTemplates).run();
    size_t clone = full.find(" [clone ");
    return full.substr(0, clone);
  }
  std::string name(system_name);
  if (mode == DemangleMode::kFull || !looks_like_cxx(name)) return name;
  name = without_groups(std::move(name), '(', ')');
  return mode == DemangleMode::kDefault ? without_groups(std::move(name), '<', '>') : name;
}

void demangle_names(profile::Profile& p, DemangleMode mode, bool force) {
  if (mode == DemangleMode::kNone && !force) return;
  std::vector<profile::StringId> readable(p.strings.size(), profile::kNone);
  for (profile::Function& f : p.functions) {
    if (force && f.name != 0 && f.system_name != 0) f.name = f.system_name;
    if (mode == DemangleMode::kNone || (f.name != 0 && f.name != f.system_name)) continue;
    profile::StringId& id = readable[f.system_name];
    if (id == profile::kNone) id = p.strings.intern(readable_name(p.text(f.system_name), mode));
    f.name = id;
  }
}

}  // namespace watchfire::converters
