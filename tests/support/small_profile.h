#pragma once

#include "profile/profile.h"

namespace watchfire::testing {

/// A program of a few functions that has what reports trip over: recursion, inlining, a frame without symbols,
/// string and numeric labels, a stack that ends in an allocator's insides.
inline profile::Profile small_profile() {
  using namespace profile;
  Profile p;
  auto text = [&](std::string_view t) { return p.strings.intern(t); };
  p.sample_types = {{text("samples"), text("count")}, {text("cpu"), text("nanoseconds")}};
  p.mappings.push_back(
      {.id = 1, .start = 0x400000, .limit = 0x500000, .file = text("/opt/app/server"), .build_id = text("abc")});
  p.mappings.push_back({.id = 2, .start = 0x7f0000, .limit = 0x7f8000, .file = text("/lib/libc.so.6")});
  auto function = [&](std::string_view name, std::string_view file, int64_t line) {
    Function f{.id = p.functions.size() + 1, .name = text(name), .system_name = text(name), .file = text(file)};
    f.start_line = line;
    p.functions.push_back(f);
    return static_cast<uint32_t>(p.functions.size() - 1);
  };
  uint32_t main = function("main.main", "/src/app/main.go", 10);
  uint32_t serve = function("main.(*Server).serve", "/src/app/../app/server.go", 20);
  uint32_t walk = function("tree.walk", "/src/tree/walk.go", 5);
  uint32_t compare = function("tree.compare", "/src/tree/walk.go", 40);
  uint32_t alloc = function("runtime.mallocgc", "/go/runtime/malloc.go", 900);
  auto location = [&](uint64_t address, std::initializer_list<Line> lines, uint32_t mapping = 0) {
    Location l{.id = p.locations.size() + 1, .address = address, .mapping = mapping};
    l.first_line = static_cast<uint32_t>(p.lines.size());
    l.line_count = static_cast<uint32_t>(lines.size());
    p.lines.insert(p.lines.end(), lines);
    p.locations.push_back(l);
    return static_cast<uint32_t>(p.locations.size() - 1);
  };
  uint32_t at_main = location(0x401000, {{main, 12}});
  uint32_t at_serve = location(0x402000, {{serve, 25}});
  uint32_t at_walk = location(0x403000, {{walk, 8}});
  uint32_t at_compare = location(0x403010, {{compare, 42}, {walk, 9}});
  uint32_t at_alloc = location(0x404000, {{alloc, 950}});
  uint32_t at_libc = location(0x7f0100, {}, 1);
  auto add = [&](std::vector<uint32_t> stack, std::vector<Label> labels, int64_t n) {
    p.add_sample(stack, labels, std::vector<int64_t>{n, n * 10'000'000});
  };
  Label get{.key = text("path"), .str = text("/get")};
  Label put{.key = text("path"), .str = text("/put")};
  Label size{.num = 4096, .key = text("bytes"), .unit = text("bytes"), .is_number = 1};
  add({at_walk, at_walk, at_serve, at_main}, {get}, 30);
  add({at_compare, at_walk, at_serve, at_main}, {get, size}, 20);
  add({at_alloc, at_serve, at_main}, {put, size}, 10);
  add({at_libc, at_serve, at_main}, {put}, 5);
  add({at_serve, at_main}, {}, 3);
  add({at_libc}, {}, 2);
  p.time_ns = 1'600'000'000'123'000'000;
  p.duration_ns = 1'500'000'000;
  p.period_type = {text("cpu"), text("nanoseconds")};
  p.period = 10'000'000;
  p.comments = {text("built by hand")};
  return p;
}

}  // namespace watchfire::testing
