#include "base/config_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <istream>
#include <set>
#include <streambuf>

namespace watchfire {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxNodes = 100'000;

TextPosition position_of(const YAML::Mark& mark) {
  return {mark.line + 1, mark.column + 1};
}

std::string place(TextPosition p) {
  return "line " + std::to_string(p.line) + ", column " + std::to_string(p.column) + ": ";
}

Error error_at(TextPosition p, const std::string& message) {
  return Error(ErrorCode::kInvalidArgument, place(p) + message).at(p.line, p.column);
}

// Builds the tree from yaml-cpp's events, so that aliases and depth are seen before anything is expanded.
class TreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& m, YAML::anchor_t) override { add(m, ConfigValue::Kind::kNull); }
  void OnAlias(const YAML::Mark& m, YAML::anchor_t) override { refuse(m, "aliases are not supported"); }
  void OnScalar(const YAML::Mark& m, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    bool plain_null = tag == "?" && (value == "~" || value == "null");
    if (ConfigValue* v = add(m, plain_null ? ConfigValue::Kind::kNull : ConfigValue::Kind::kScalar)) v->scalar = value;
  }
  void OnSequenceStart(const YAML::Mark& m, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(m, ConfigValue::Kind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& m, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(m, ConfigValue::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

  Result<ConfigValue> take() {
    if (error_) return fail(*error_);
    return std::move(root_);
  }

 private:
  struct Level {
    ConfigValue value;
    std::optional<std::string> key;
    std::set<std::string> keys;
  };

  void refuse(const YAML::Mark& m, const std::string& message) {
    if (!error_) error_ = error_at(position_of(m), message);
  }

  // Places a finished value into the innermost open collection.
  ConfigValue* place_value(ConfigValue v) {
    if (levels_.empty()) {
      root_ = std::move(v);
      return &root_;
    }
    Level& level = levels_.back();
    if (level.value.kind == ConfigValue::Kind::kList) return &level.value.items.emplace_back(std::move(v));
    level.value.entries.push_back({std::move(*level.key), std::move(v)});
    level.key.reset();
    return &level.value.entries.back().value;
  }

  bool begin(const YAML::Mark& m) {
    if (error_) return false;
    if (++nodes_ > kMaxNodes) refuse(m, "more than 100000 values");
    return !error_;
  }

  bool is_key() const {
    return !levels_.empty() && levels_.back().value.kind == ConfigValue::Kind::kMap && !levels_.back().key;
  }

  ConfigValue* add(const YAML::Mark& m, ConfigValue::Kind kind) {
    if (!begin(m)) return nullptr;
    if (is_key()) {
      key_mark_ = m;
      levels_.back().key = "";
      pending_key_.scalar.clear();
      pending_key_.kind = ConfigValue::Kind::kScalar;
      return &pending_key_;
    }
    settle_key();
    if (error_) return nullptr;
    ConfigValue v;
    v.kind = kind;
    v.position = position_of(m);
    return place_value(std::move(v));
  }

  // The key's text is known once its value begins.
  void settle_key() {
    if (levels_.empty() || levels_.back().value.kind != ConfigValue::Kind::kMap || !levels_.back().key) return;
    Level& level = levels_.back();
    level.key = pending_key_.scalar;
    if (!level.keys.insert(pending_key_.scalar).second)
      refuse(key_mark_, "the key '" + pending_key_.scalar + "' is there twice");
  }

  void open(const YAML::Mark& m, ConfigValue::Kind kind) {
    if (!begin(m)) return;
    if (is_key()) return refuse(m, "a key must be a plain word");
    settle_key();
    if (levels_.size() >= kMaxDepth) return refuse(m, "nested deeper than 64 levels");
    Level level;
    level.value.kind = kind;
    level.value.position = position_of(m);
    levels_.push_back(std::move(level));
  }

  void close() {
    if (error_ || levels_.empty()) return;
    ConfigValue done = std::move(levels_.back().value);
    levels_.pop_back();
    place_value(std::move(done));
  }

  std::vector<Level> levels_;
  ConfigValue root_;
  ConfigValue pending_key_;
  YAML::Mark key_mark_;
  size_t nodes_ = 0;
  std::optional<Error> error_;
};

// Edit distance, for the hint on a misspelt key.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t corner = row[0]++;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t next = std::min({row[j] + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1] ? 1 : 0)});
      corner = row[j];
      row[j] = next;
    }
  }
  return row[b.size()];
}

const char* kind_name(ConfigValue::Kind kind) {
  switch (kind) {
    case ConfigValue::Kind::kNull:
      return "nothing";
    case ConfigValue::Kind::kScalar:
      return "a single value";
    case ConfigValue::Kind::kList:
      return "a list";
    case ConfigValue::Kind::kMap:
      return "a map";
  }
  return "";
}

}  // namespace

const ConfigValue* ConfigValue::find(std::string_view key) const {
  for (const auto& [name, value] : entries)
    if (name == key) return &value;
  return nullptr;
}

Error config_error(const ConfigValue& at, std::string message) {
  return error_at(at.position, message);
}

Result<ConfigValue> parse_config(std::string_view yaml) {
  struct View : std::streambuf {
    explicit View(std::string_view s) {
      char* p = const_cast<char*>(s.data());
      setg(p, p, p + s.size());
    }
  } view(yaml);
  try {
    std::istream in(&view);
    YAML::Parser parser(in);
    TreeBuilder builder;
    parser.HandleNextDocument(builder);
    return builder.take();
  } catch (const YAML::Exception& e) {
    return fail(error_at(position_of(e.mark), "not valid YAML: " + e.msg));
  }
}

ObjectReader::ObjectReader(const ConfigValue& value, std::string what) : value_(value), what_(std::move(what)) {
  if (value.kind != ConfigValue::Kind::kMap && value.kind != ConfigValue::Kind::kNull)
    set_error(value, what_ + ": expected a map, found " + kind_name(value.kind));
}

void ObjectReader::set_error(const ConfigValue& at, std::string message, std::string hint) {
  if (!error_) error_ = config_error(at, std::move(message)).hinted(std::move(hint));
}

const ConfigValue* ObjectReader::take(std::string_view key) {
  known_.emplace_back(key);
  const ConfigValue* v = error_ ? nullptr : value_.find(key);
  return v == nullptr || v->kind == ConfigValue::Kind::kNull ? nullptr : v;
}

const std::string* ObjectReader::scalar(std::string_view key, const ConfigValue** at) {
  const ConfigValue* v = take(key);
  if (v == nullptr) return nullptr;
  *at = v;
  if (v->kind == ConfigValue::Kind::kScalar) return &v->scalar;
  set_error(*v, what_ + "." + std::string(key) + ": expected a single value, found " + kind_name(v->kind));
  return nullptr;
}

void ObjectReader::text(std::string_view key, std::string& out) {
  const ConfigValue* at = nullptr;
  if (const std::string* s = scalar(key, &at)) out = *s;
}

void ObjectReader::flag(std::string_view key, bool& out) {
  const ConfigValue* at = nullptr;
  const std::string* s = scalar(key, &at);
  if (s == nullptr) return;
  if (*s == "true" || *s == "false")
    out = *s == "true";
  else
    set_error(*at, what_ + "." + std::string(key) + ": expected true or false, found '" + *s + "'");
}

void ObjectReader::integer(std::string_view key, int64_t& out, int64_t least, int64_t most) {
  const ConfigValue* at = nullptr;
  const std::string* s = scalar(key, &at);
  if (s == nullptr) return;
  int64_t n = 0;
  auto [end, ec] = std::from_chars(s->data(), s->data() + s->size(), n);
  if (ec == std::errc() && end == s->data() + s->size() && n >= least && n <= most)
    out = n;
  else
    set_error(*at, what_ + "." + std::string(key) + ": expected a whole number from " + std::to_string(least) + " to " +
                       std::to_string(most) + ", found '" + *s + "'");
}

void ObjectReader::number(std::string_view key, double& out, double least, double most) {
  const ConfigValue* at = nullptr;
  const std::string* s = scalar(key, &at);
  if (s == nullptr) return;
  double n = 0;
  auto [end, ec] = std::from_chars(s->data(), s->data() + s->size(), n);
  if (ec == std::errc() && end == s->data() + s->size() && n >= least && n <= most)
    out = n;
  else
    set_error(*at, what_ + "." + std::string(key) + ": expected a number from " + std::to_string(least) + " to " +
                       std::to_string(most) + ", found '" + *s + "'");
}

void ObjectReader::duration(std::string_view key, DurationNs& out, DurationNs least, DurationNs most) {
  const ConfigValue* at = nullptr;
  const std::string* s = scalar(key, &at);
  if (s == nullptr) return;
  auto d = parse_duration(*s);
  if (d && *d >= least && *d <= most)
    out = *d;
  else
    set_error(*at,
              what_ + "." + std::string(key) + ": expected a duration from " + format_duration(least) + " to " +
                  format_duration(most) + ", found '" + *s + "'",
              "write a number and a unit, such as 10s or 1m30s");
}

void ObjectReader::bytes(std::string_view key, uint64_t& out, uint64_t least, uint64_t most) {
  const ConfigValue* at = nullptr;
  const std::string* s = scalar(key, &at);
  if (s == nullptr) return;
  auto n = parse_bytes(*s);
  if (n && *n >= least && *n <= most)
    out = *n;
  else
    set_error(*at,
              what_ + "." + std::string(key) + ": expected a size from " + std::to_string(least) + " to " +
                  std::to_string(most) + " bytes, found '" + *s + "'",
              "write a number and a unit, such as 64MB or 2GB");
}

void ObjectReader::texts(std::string_view key, std::vector<std::string>& out) {
  const ConfigValue* v = take(key);
  if (v == nullptr) return;
  std::vector<std::string> list;
  if (v->kind != ConfigValue::Kind::kList)
    return set_error(*v, what_ + "." + std::string(key) + ": expected a list, found " + kind_name(v->kind));
  for (const ConfigValue& item : v->items) {
    if (item.kind != ConfigValue::Kind::kScalar)
      return set_error(item,
                       what_ + "." + std::string(key) + ": expected single values, found " + kind_name(item.kind));
    list.push_back(item.scalar);
  }
  out = std::move(list);
}

void ObjectReader::child(std::string_view key,
                         const std::function<Status(const ConfigValue&, const std::string&)>& read) {
  const ConfigValue* v = take(key);
  if (v == nullptr) return;
  if (Status s = read(*v, what_.empty() ? std::string(key) : what_ + "." + std::string(key)); !s) error_ = s.error();
}

void ObjectReader::each(std::string_view key,
                        const std::function<Status(const ConfigValue&, const std::string&)>& read) {
  const ConfigValue* v = take(key);
  if (v == nullptr) return;
  std::string what = what_.empty() ? std::string(key) : what_ + "." + std::string(key);
  if (v->kind != ConfigValue::Kind::kList)
    return set_error(*v, what + ": expected a list, found " + kind_name(v->kind));
  for (size_t i = 0; i < v->items.size() && !error_; ++i)
    if (Status s = read(v->items[i], what + "[" + std::to_string(i) + "]"); !s) error_ = s.error();
}

void ObjectReader::each_entry(
    std::string_view key,
    const std::function<Status(const std::string&, const ConfigValue&, const std::string&)>& read) {
  const ConfigValue* v = take(key);
  if (v == nullptr) return;
  std::string what = what_.empty() ? std::string(key) : what_ + "." + std::string(key);
  if (v->kind != ConfigValue::Kind::kMap) return set_error(*v, what + ": expected a map, found " + kind_name(v->kind));
  for (const auto& [name, value] : v->entries) {
    if (error_) return;
    if (Status s = read(name, value, what + "." + name); !s) error_ = s.error();
  }
}

void ObjectReader::require(std::string_view key) {
  if (!error_ && value_.find(key) == nullptr)
    set_error(value_, (what_.empty() ? "" : what_ + ": ") + "the key '" + std::string(key) + "' is required");
}

Status ObjectReader::finish() {
  if (error_) return fail(*error_);
  for (const auto& [name, value] : value_.entries) {
    if (std::ranges::find(known_, name) != known_.end()) continue;
    auto nearest = std::ranges::min_element(
        known_, [&](const auto& a, const auto& b) { return distance(a, name) < distance(b, name); });
    std::string hint;
    if (nearest != known_.end() && distance(*nearest, name) <= 3)
      hint = "did you mean '" + *nearest + "'?";
    else
      for (const std::string& k : known_) hint += (hint.empty() ? "known keys: " : ", ") + k;
    return fail(config_error(value, (what_.empty() ? "" : what_ + ": ") + "unknown key '" + name + "'").hinted(hint));
  }
  return {};
}

Result<uint64_t> parse_bytes(std::string_view text) {
  double n = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  double factor = unit.empty() || unit == "B"    ? 1
                  : unit == "kB" || unit == "KB" ? 1024.0
                  : unit == "MB"                 ? 1024.0 * 1024
                  : unit == "GB"                 ? 1024.0 * 1024 * 1024
                  : unit == "TB"                 ? 1024.0 * 1024 * 1024 * 1024
                                                 : 0;
  if (ec != std::errc() || n < 0 || factor == 0 || n * factor > 9e18)
    return fail(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is no size");
  return static_cast<uint64_t>(n * factor);
}

}  // namespace watchfire
