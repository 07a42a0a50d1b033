#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace watchfire {

/// Builds one JSON document from the outside in; every string goes through escape_json.
///
///   JsonWriter w;
///   w.begin_object().key("name").value("api").key("cores").value(1.5).end_object();
///   w.text()   // {"name":"api","cores":1.5}
///
/// Commas and quotes are the writer's; balanced begin/end is the caller's. Doubles that aren't finite become
/// null.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(bool b);
  JsonWriter& value(double d);
  JsonWriter& value(int64_t i);
  JsonWriter& value(uint64_t i);
  JsonWriter& value(int i) { return value(static_cast<int64_t>(i)); }
  JsonWriter& null();
  /// A value that is JSON already.
  JsonWriter& raw(std::string_view json);
  /// `key(name).value(v)`.
  template <typename T>
  JsonWriter& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }

  const std::string& text() const { return out_; }
  std::string release() { return std::move(out_); }

 private:
  void separate();

  std::string out_;
  std::vector<bool> has_items_;
  bool after_key_ = false;
};

}  // namespace watchfire
