#include "converters/pgo/encode.h"

#include <algorithm>

#include "converters/pprof/encode.h"
#include "profile/wrapping.h"

namespace watchfire::converters {
namespace {

using profile::Profile;

bool is_cpu_type(const Profile& p, const profile::ValueType& t) {
  return (p.text(t.type) == "samples" && p.text(t.unit) == "count") ||
         (p.text(t.type) == "cpu" && p.text(t.unit) == "nanoseconds");
}

/// Only the given columns, without labels, a sample a stack.
void keep_columns(Profile& p, const std::vector<size_t>& columns) {
  std::vector<profile::ValueType> types;
  std::vector<std::vector<int64_t>> sums;
  for (size_t c : columns) {
    types.push_back(p.sample_types[c]);
    std::vector<int64_t>& sum = sums.emplace_back(p.stacks.size());
    for (size_t i = 0; i < p.sample_count(); ++i) {
      int64_t& of_stack = sum[p.sample_stacks[i]];
      of_stack = profile::wrapping_add(of_stack, p.values[c][i]);
    }
  }
  p.sample_types = std::move(types);
  p.values.assign(columns.size(), {});
  p.sample_stacks.clear();
  p.sample_label_sets.clear();
  p.label_sets.clear();
  for (uint32_t s = 0; s < p.stacks.size(); ++s) {
    if (std::ranges::all_of(sums, [&](const auto& sum) { return sum[s] == 0; })) continue;
    p.sample_stacks.push_back(s);
    p.sample_label_sets.push_back(0);
    for (size_t c = 0; c < columns.size(); ++c) p.values[c].push_back(sums[c][s]);
  }
}

}  // namespace

Result<std::string> encode_pgo(const Profile& p) {
  std::vector<size_t> columns;
  for (size_t c = 0; c < p.sample_types.size(); ++c) {
    if (is_cpu_type(p, p.sample_types[c])) columns.push_back(c);
  }
  if (columns.empty()) {
    return fail(Error(ErrorCode::kInvalidArgument, "no sample type samples/count or cpu/nanoseconds in the profile")
                    .hinted("profile-guided optimization needs a CPU profile"));
  }
  bool knows_lines = std::ranges::any_of(p.functions, [](const auto& f) { return f.start_line != 0; });
  if (p.sample_count() != 0 && !knows_lines) {
    return fail(Error(ErrorCode::kInvalidArgument, "no function of the profile knows the line it starts at")
                    .hinted("take the profile from a Go program built with Go 1.20 or newer"));
  }
  Profile out = p;
  keep_columns(out, columns);
  out.drop_frames = out.keep_frames = out.doc_url = out.default_sample_type = 0;
  out.comments.clear();
  for (profile::Function& f : out.functions) {
    if (f.system_name != 0) f.name = f.system_name;
  }
  return encode_pprof_gz(out);
}

}  // namespace watchfire::converters
