#include "base/json_tree.h"

#include <boost/json.hpp>

namespace watchfire {
namespace {

namespace json = boost::json;

std::string number_text(const json::value& v) {
  return json::serialize(v);
}

ConfigValue convert(const json::value& v) {
  ConfigValue out;
  out.position = {1, 1};
  switch (v.kind()) {
    case json::kind::null:
      break;
    case json::kind::string:
      out.kind = ConfigValue::Kind::kScalar;
      out.scalar = std::string(v.get_string());
      break;
    case json::kind::bool_:
      out.kind = ConfigValue::Kind::kScalar;
      out.scalar = v.get_bool() ? "true" : "false";
      break;
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      out.kind = ConfigValue::Kind::kScalar;
      out.scalar = number_text(v);
      break;
    case json::kind::array:
      out.kind = ConfigValue::Kind::kList;
      for (const json::value& item : v.get_array()) out.items.push_back(convert(item));
      break;
    case json::kind::object:
      out.kind = ConfigValue::Kind::kMap;
      for (const auto& [key, value] : v.get_object()) out.entries.push_back({std::string(key), convert(value)});
      break;
  }
  return out;
}

}  // namespace

Result<ConfigValue> parse_json(std::string_view text) {
  json::error_code ec;
  json::parse_options options;
  options.max_depth = 32;
  json::stream_parser parser({}, options);
  size_t read = parser.write_some(text.data(), text.size(), ec);
  if (!ec && read == text.size()) parser.finish(ec);
  if (ec || read != text.size())
    return fail(ErrorCode::kInvalidArgument,
                "not valid JSON at byte " + std::to_string(read) + (ec ? ": " + ec.message() : ": text after its end"));
  return convert(parser.release());
}

}  // namespace watchfire
