#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace watchfire {

struct ConfigEntry;

/// A YAML (or JSON) document as plain values, each with its place in the text. Aliases are refused, duplicate
/// keys too; at most 64 levels and 100,000 nodes.
struct ConfigValue {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string scalar;
  std::vector<ConfigValue> items;
  std::vector<ConfigEntry> entries;  ///< in the order of the text
  TextPosition position;

  const ConfigValue* find(std::string_view key) const;
};

/// One key of a map with its value.
struct ConfigEntry {
  std::string key;
  ConfigValue value;
};

/// Parses one document; errors carry line and column.
Result<ConfigValue> parse_config(std::string_view yaml);

/// Reads one map of a ConfigValue strictly: every key is asked for by name, and finish() refuses those nobody asked
/// for. The first error sticks and later reads do nothing, so a caller reads all fields, then finishes.
///
///   ObjectReader r(value, "slack");
///   r.text("webhook_file", out.webhook_file);
///   r.duration("timeout", out.timeout, 100 * kMillisecond, 5 * kMinute);
///   WF_TRY(r.finish());
///
/// Keeps the target unchanged when the key is missing. The map must outlive the reader.
class ObjectReader {
 public:
  /// `what` names the map in errors: "scrape_configs[0]".
  ObjectReader(const ConfigValue& value, std::string what);

  void text(std::string_view key, std::string& out);
  void flag(std::string_view key, bool& out);
  void integer(std::string_view key, int64_t& out, int64_t least, int64_t most);
  void number(std::string_view key, double& out, double least, double most);
  void duration(std::string_view key, DurationNs& out, DurationNs least, DurationNs most);
  /// Bytes with an optional unit kB, MB, GB (1024-based): "64MB".
  void bytes(std::string_view key, uint64_t& out, uint64_t least, uint64_t most);
  void texts(std::string_view key, std::vector<std::string>& out);
  /// Calls `read(child, "what.key")` for a map or any other value that is there.
  void child(std::string_view key, const std::function<Status(const ConfigValue&, const std::string&)>& read);
  /// Calls `read(item, "what.key[i]")` for each item of a list.
  void each(std::string_view key, const std::function<Status(const ConfigValue&, const std::string&)>& read);
  /// Calls `read(name, value, "what.key.name")` for each entry of a map with free keys.
  void each_entry(std::string_view key,
                  const std::function<Status(const std::string&, const ConfigValue&, const std::string&)>& read);
  /// Makes a missing key an error.
  void require(std::string_view key);
  bool has(std::string_view key) const { return value_.find(key) != nullptr; }

  /// The first error, or one for the first unknown key with the nearest known one as a hint.
  Status finish();

 private:
  const ConfigValue* take(std::string_view key);
  void set_error(const ConfigValue& at, std::string message, std::string hint = {});
  const std::string* scalar(std::string_view key, const ConfigValue** at);

  const ConfigValue& value_;
  std::string what_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

/// An error at a value's place: "line 3, column 5: message".
Error config_error(const ConfigValue& at, std::string message);

/// "64MB" -> 67108864; units B kB MB GB TB, 1024-based, blanks allowed.
Result<uint64_t> parse_bytes(std::string_view text);

}  // namespace watchfire
