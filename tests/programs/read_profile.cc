// Reads a profile of any format and says what is in it, for tests that compare with the tools that wrote it.
//
//   read_profile totals FILE        "TYPE/UNIT SUM" a sample type, then "# COMMENT" lines
//   read_profile functions FILE     "NAME SUM", what the default type says of each function with all it calls;
//   addresses
//                                   without a name are looked up in the files they lie in
//   read_profile folded FILE        the default type as folded stacks
//   read_profile pgo FILE           Go's default.pgo
#include <cstdio>
#include <map>
#include <set>

#include "base/fd.h"
#include "converters/decode_any.h"
#include "converters/folded/encode.h"
#include "converters/frame_names.h"
#include "converters/pgo/encode.h"
#include "converters/symbolize_files.h"

using namespace watchfire;

namespace {

std::string totals(const profile::Profile& p) {
  std::string out;
  for (size_t t = 0; t < p.values.size(); ++t) {
    int64_t sum = 0;
    for (int64_t v : p.values[t]) sum += v;
    out += std::string(p.text(p.sample_types[t].type)) + "/" + std::string(p.text(p.sample_types[t].unit)) + " " +
           std::to_string(sum) + "\n";
  }
  for (auto c : p.comments) out += "# " + std::string(p.text(c)) + "\n";
  return out;
}

std::string functions(const profile::Profile& p, size_t column) {
  std::map<std::string, int64_t> sums;
  for (size_t i = 0; i < p.sample_count(); ++i) {
    std::set<std::string> once;
    for (std::string& name : converters::stack_names(p, p.stacks[p.sample_stacks[i]], SIZE_MAX)) once.insert(name);
    for (const std::string& name : once) sums[name] += p.values[column][i];
  }
  std::string out;
  for (const auto& [name, sum] : sums) out += name + " " + std::to_string(sum) + "\n";
  return out;
}

Result<std::string> answer(std::string_view what, profile::Profile p) {
  WF_ASSIGN(size_t column, sample_index(p, ""));
  if (what == "totals") return totals(p);
  if (what == "functions") {
    std::vector<std::string> notes;
    auto read = [](const std::string& path) { return read_file(path, size_t{1} << 30); };
    converters::symbolize_from_files(p, read, notes);
    for (const std::string& note : notes) std::fprintf(stderr, "%s\n", note.c_str());
    return functions(p, column);
  }
  if (what == "folded") return converters::encode_folded(p, column);
  if (what == "pgo") return converters::encode_pgo(p);
  return fail(ErrorCode::kInvalidArgument, "usage: read_profile totals|functions|folded|pgo FILE");
}

Result<std::string> run(int argc, char** argv) {
  if (argc != 3) return answer("", {});
  WF_ASSIGN(std::string bytes, read_file(argv[2], size_t{1} << 30));
  WF_ASSIGN(profile::Profile p, converters::decode_any(bytes, converters::DecodeLimits::offline()));
  return answer(argv[1], std::move(p));
}

}  // namespace

int main(int argc, char** argv) {
  auto text = run(argc, argv);
  if (!text) {
    std::fprintf(stderr, "%s\n", text.error().text().c_str());
    return 1;
  }
  std::fwrite(text->data(), 1, text->size(), stdout);
  return 0;
}
