#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "agent/analyst/analyst.h"
#include "agent/analyst/attribution.h"
#include "agent/analyst/finding_builder.h"
#include "agent/analyst/function_name.h"
#include "converters/demangle_names.h"
#include "converters/file_query.h"
#include "converters/pprof/encode.h"

namespace watchfire::agent {
namespace {

using profile::Profile;

TEST(FunctionName, own_names_lose_all_that_is_not_the_functions_own) {
  const std::pair<const char*, const char*> cases[] = {
      {"main.renderInvoice", "main.renderInvoice"},
      {"main.(*List[go.shape.int,go.shape.struct { a []int }]).Push", "main.(*List).Push"},
      {"main.Map[...]", "main.Map"},
      {"github.com/acme/shop/v2.(*Cart).Add-fm", "github.com/acme/shop/v2.(*Cart).Add-fm"},
      {"void std::sort<app::Order*>(app::Order*, app::Order*)", "std::sort"},
      {"void std::sort", "std::sort"},
      {"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::append(char const*)",
       "std::basic_string::append"},
      {"std::__1::basic_string::append", "std::basic_string::append"},
      {"app::index(std::vector<int, std::allocator<int> > const&)", "app::index"},
      {"std::vector<int> app::load<std::string>(std::string const&) const", "app::load"},
      {"app::index(std::vector<int>&)::{lambda(int)#1}::operator()(int) const", "app::index::{lambda#1}::operator()"},
      {"(anonymous namespace)::parse(char const*)", "(anonymous namespace)::parse"},
      {"std::map<int, int> (anonymous namespace)::parse<int>(char const*)", "(anonymous namespace)::parse"},
      {"bool operator< <app::Id>(app::Id const&, app::Id const&)", "operator<"},
      {"std::ostream& std::operator<< <std::char_traits<char> >(std::ostream&, char const*)", "std::operator<<"},
      {"app::Id::operator<=>(app::Id const&) const", "app::Id::operator<=>"},
      {"app::Ptr<int>::operator->() const", "app::Ptr::operator->"},
      {"app::Less::operator()(int, int) const", "app::Less::operator()"},
      {"operator new(unsigned long)", "operator new"},
      {"operator new[](unsigned long)", "operator new[]"},
      {"app::Id::operator bool() const", "app::Id::operator bool"},
      {"render(Order const&)", "render"},
      {"app::run() [clone .cold]", "app::run"},
      {"decode.constprop.0", "decode"},
      {"std::enable_if<(1>0), void>::type app::g<int>(int)", "app::g"},
      {"alloc::slice::<impl [T]>::sort_by", "alloc::slice::sort_by"},
      {"<alloc::vec::Vec<T,A> as core::ops::drop::Drop>::drop", "<alloc::vec::Vec as core::ops::drop::Drop>::drop"},
      {"<shop::Cart as core::fmt::Display>::fmt", "<shop::Cart as core::fmt::Display>::fmt"},
      {"shop::price::<u64>", "shop::price"},
      {"shop::price::h0123456789abcdef", "shop::price"},
      {"hashbrown::raw::RawTable<T,A>::reserve_rehash", "hashbrown::raw::RawTable::reserve_rehash"},
      {"__memmove_avx_unaligned_erms", "__memmove_avx_unaligned_erms"},
      {"[unknown]", "[unknown]"},
      {"", ""},
      {"<", "<"},
      {"f(", "f"},
      {">>)]}(<", ">>)]}"},
  };
  for (const auto& [name, own] : cases) EXPECT_EQ(own_name(name), own) << name;
}

TEST(FunctionName, stable_names_lose_what_compilers_number) {
  const std::pair<const char*, const char*> cases[] = {
      {"main.renderInvoice.func1", "main.renderInvoice"},
      {"main.renderInvoice.func12.2.1", "main.renderInvoice"},
      {"main.serve.gowrap1", "main.serve"},
      {"main.all.func1-range2", "main.all"},
      {"main.(*Cart).Add-fm", "main.(*Cart).Add"},
      {"main.function1", "main.function1"},
      {"app::index(int)::{lambda(int)#1}::operator()(int) const", "app::index"},
      {"shop::price::{{closure}}", "shop::price"},
      {"shop::price::{closure#0}::{closure#1}", "shop::price"},
  };
  for (const auto& [name, stable] : cases) EXPECT_EQ(stable_name(name), stable) << name;
}

TEST(RuleSet, libraries_are_told_by_the_functions_own_name) {
  auto rules = *RuleSet::built_in();
  auto is_library = [&](const std::string& name) { return rules->is_library(own_name(name), "", ""); };
  for (const char* name : {"void std::sort<app::Order*>(app::Order*, app::Order*)",
                           "std::__introsort_loop",
                           "operator new(unsigned long)",
                           "__gnu_cxx::__normal_iterator<app::Order*, std::vector<app::Order> >::operator++()",
                           "malloc",
                           "free",
                           "memcpy@plt",
                           "__memmove_avx_unaligned_erms",
                           "boost::json::parse",
                           "fmt::v9::detail::vformat_to",
                           "nlohmann::basic_json<std::map>::dump() const",
                           "alloc::slice::<impl [T]>::sort_by",
                           "<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop",
                           "<T as core::convert::Into<U>>::into",
                           "<&T as core::fmt::Debug>::fmt",
                           "<[T] as core::cmp::Ord>::cmp",
                           "hashbrown::raw::RawTable<T>::insert",
                           "__rust_alloc",
                           "runtime.mallocgc",
                           "runtime/debug.FreeOSMemory",
                           "encoding/json.Marshal",
                           "type:.eq.string",
                           "go:buildid",
                           "memeqbody",
                           "golang.org/x/crypto/bcrypt.GenerateFromPassword",
                           "slices.SortFunc[go.shape.[]int,go.shape.int]"})
    EXPECT_TRUE(is_library(name)) << name;
  for (const char* name : {"app::index(std::vector<int, std::allocator<int> > const&)",
                           "std::vector<int> app::load<std::string>()",
                           "app::Map<std::string, int>::find(std::string const&)",
                           "bool app::less<std::less<int> >(int)",
                           "app::sort(std::__cxx11::basic_string<char>&)",
                           "freezeOrders",
                           "readConfig",
                           "memoize",
                           "clone_tree",
                           "mallocator::grow()",
                           "standard::run()",
                           "<shop::Cart as core::fmt::Display>::fmt",
                           "<shop::Cart as core::convert::From<alloc::string::String>>::from",
                           "shop::sort::<std::string::String>",
                           "main.sort",
                           "main.(*regexp).compile",
                           "shop/sort.Sort",
                           "example.com/json.Parse",
                           "timeline.Draw",
                           "logbook.Write"})
    EXPECT_FALSE(is_library(name)) << name;
}

// The rule and the function that one CPU stack (leaf first) is counted under: "sorting: app::rank". Names of functions
// of the kernel begin with "k:".
std::string blamed(const std::vector<std::string>& names, findings::Resource resource = findings::Resource::kCpu) {
  Profile p;
  auto str = [&](std::string_view s) { return p.strings.intern(s); };
  p.sample_types = {{str("cpu"), str("nanoseconds")}};
  p.values.resize(1);
  std::vector<uint32_t> stack;
  p.mappings.push_back({.file = str("[kernel.kallsyms]")});
  for (std::string name : names) {
    uint32_t i = static_cast<uint32_t>(p.locations.size());
    bool kernel = name.starts_with("k:");
    if (kernel) name.erase(0, 2);
    p.functions.push_back({i + 1u, str(name), str(name), 0, 0});
    p.lines.push_back({i, 1, 0});
    p.locations.push_back({i + 1u, 0x1000u + i, kernel ? 0 : profile::kNone, i, 1, false});
    stack.push_back(i);
  }
  p.add_sample(stack, {}, std::vector<int64_t>{7});
  static const auto rules = *RuleSet::built_in();
  Attribution a = attribute(p, *rules, resource);
  EXPECT_EQ(a.total, 7);
  if (a.by_rule.empty()) return "";
  const auto& [rule, functions] = *a.by_rule.begin();
  return rules->rules()[rule].id + ": " + functions.begin()->first.name;
}

// The same stack with names in full and as reports and the store have them.
void expect_blamed(const std::vector<std::string>& full, const std::string& cause, const std::string& function) {
  EXPECT_EQ(blamed(full), cause + ": " + function) << full.front();
  std::vector<std::string> readable;
  for (const std::string& name : full)
    readable.push_back(converters::readable_name(name, converters::DemangleMode::kDefault));
  std::string shown = converters::readable_name(function, converters::DemangleMode::kDefault);
  EXPECT_EQ(blamed(readable), cause + ": " + shown) << readable.front();
}

TEST(Causes, of_cxx_are_found_in_full_and_readable_names) {
  const std::string user = "app::rank(std::vector<app::Order, std::allocator<app::Order> >&)", main = "main";
  expect_blamed({"void std::__introsort_loop<app::Order*, long, app::Less>(app::Order*, app::Order*, long, app::Less)",
                 "void std::sort<app::Order*, app::Less>(app::Order*, app::Order*, app::Less)", user, main},
                "sorting", user);
  // The comparison is the user's, the cost is the sort's.
  expect_blamed({"app::Less::operator()(app::Order const&, app::Order const&) const",
                 "void std::__unguarded_linear_insert<app::Order*>(app::Order*)", user, main},
                "sorting", user);
  expect_blamed({"__memmove_avx_unaligned_erms",
                 "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::_M_append(char "
                 "const*, unsigned long)",
                 user, main},
                "string_building", user);
  expect_blamed({"std::__detail::_Compiler<std::__cxx11::regex_traits<char> >::_M_disjunction()",
                 "std::__cxx11::basic_regex<char, std::__cxx11::regex_traits<char> >::_M_compile(char const*, char "
                 "const*, std::regex_constants::syntax_option_type)",
                 user, main},
                "regex_compile", user);
  expect_blamed({"std::_Hashtable<int, std::pair<int const, int>, std::allocator<int>, std::hash<int> "
                 ">::_M_rehash(unsigned long, unsigned long const&)",
                 user, main},
                "map_growth", user);
  expect_blamed({"_int_malloc", "malloc", "operator new(unsigned long)", user, main}, "allocation_churn", user);
  expect_blamed({"cfree@GLIBC_2.2.5", user, main}, "allocation_churn", user);
  expect_blamed({"__memmove_avx_unaligned_erms", user, main}, "copying", user);
  expect_blamed({"k:native_queued_spin_lock_slowpath", "k:futex_wake", "k:do_futex", "k:__x64_sys_futex",
                 "k:do_syscall_64", "__lll_lock_wake", user, main},
                "locks", user);
  expect_blamed({"k:clear_page_erms", "k:do_anonymous_page", "k:asm_exc_page_fault", user, main}, "page_returning",
                user);
  expect_blamed({"k:zap_pte_range", "k:do_madvise", "k:__x64_sys_madvise", "k:do_syscall_64", "madvise", user, main},
                "page_returning", user);
  expect_blamed({"k:ksys_write", "k:__x64_sys_write", "k:do_syscall_64", "write", user, main}, "syscalls", user);
  expect_blamed({"app::fnv1a(char const*, unsigned long)", user, main}, "hashing",
                "app::fnv1a(char const*, unsigned long)");
  expect_blamed({"std::_Hash_bytes(void const*, unsigned long, unsigned long)", user, main}, "hashing", user);
  expect_blamed({"longest_match", "deflate", user, main}, "compression", user);
  expect_blamed({"nlohmann::json_abi_v3_11_2::detail::lexer<std::string>::scan()", user, main}, "json", user);
  expect_blamed({"spdlog::logger::log_it_(spdlog::details::log_msg const&, bool, bool)", user, main}, "logging", user);
}

TEST(Causes, of_cxx_do_not_come_from_arguments_or_from_names_that_only_look_alike) {
  for (const char* name :
       {"app::walk(std::_Hashtable<int, int>::_M_rehash)", "void app::visit<std::sort<int*> >(int*)",
        "app::Table<std::vector<int, std::allocator<int> > >::rehash(unsigned long)", "app::sort(int*)",
        "app::Regex::_M_compile(std::__cxx11::basic_regex<char>&)", "app::jsonParser::parse(std::string&)",
        "app::Sorter<nlohmann::basic_json<> >::next()", "app::log(std::string const&)", "app::renderG1Chart()",
        "app::deflateTyres()", "freezeOrders", "app::hashtag(char const*)", "app::memcpy_count()", "copyright()",
        "app::Mutex::lock()", "munmapped_total"})
    expect_blamed({name, "main"}, "own_code", name);
  // Searching and matching are neither sorting nor compiling.
  const std::string user = "app::find(std::vector<int, std::allocator<int> > const&)";
  expect_blamed({"int const* std::lower_bound<int const*, int>(int const*, int const*, int const&)", user, "main"},
                "own_code", user);
  expect_blamed({"std::__detail::_Executor<char const*, std::allocator<char>, std::__cxx11::regex_traits<char>, "
                 "true>::_M_dfs(long)",
                 "bool std::__detail::__regex_algo_search<char const*>(char const*)", user, "main"},
                "own_code", user);
  expect_blamed({"std::_Hashtable<int, std::pair<int const, int> >::_M_find_before_node(unsigned long, int const&)",
                 user, "main"},
                "own_code", user);
}

TEST(Causes, a_frame_further_up_takes_a_stack_away) {
  const std::string user = "app::index(std::vector<int, std::allocator<int> > const&)";
  const std::string rehash =
      "std::_Hashtable<int, std::pair<int const, int>, std::allocator<int> >::_M_rehash(unsigned long)";
  expect_blamed({rehash, user, "main"}, "map_growth", user);
  expect_blamed({rehash, "std::unordered_map<int, int, std::hash<int> >::reserve(unsigned long)", user, "main"},
                "own_code", user);
  expect_blamed({"std::__cxx11::basic_string<char>::_M_create(unsigned long&, unsigned long)",
                 "std::__cxx11::basic_string<char>::reserve(unsigned long)", user, "main"},
                "own_code", user);
  EXPECT_EQ(blamed({"runtime.semrelease1", "runtime.gcStart", "runtime.mallocgc", "main.make"}),
            "gc_pressure: main.make");
  // Waking somebody up is no fight for a lock, unless a lock's own function does it.
  EXPECT_EQ(blamed({"k:do_futex", "k:__x64_sys_futex", "k:do_syscall_64", "runtime.futex", "runtime.futexwakeup",
                    "runtime.notewakeup", "runtime.startm", "runtime.wakep", "runtime.ready", "runtime.chansend",
                    "main.send"}),
            "own_code: main.send");
  EXPECT_EQ(blamed({"runtime.futex", "runtime.futexwakeup", "runtime.wakep", "runtime.ready", "runtime.semrelease1",
                    "sync.(*Mutex).unlockSlow", "main.bump"}),
            "locks: main.bump");
  EXPECT_EQ(blamed({"k:futex_wake", "k:do_futex", "k:do_syscall_64", "pthread_cond_signal", "app::push", "main"}),
            "syscalls: app::push");
  EXPECT_EQ(blamed({"std::basic_string<char>::_M_create(unsigned long&, unsigned long)",
                    "std::basic_string<char>::reserve(unsigned long)", "std::basic_string<char>::append(char const*)",
                    "app::join()", "main"}),
            "string_building: app::join()");
}

TEST(Causes, of_rust_are_found) {
  const std::string user = "shop::rank";
  auto found = [&](std::vector<std::string> stack) {
    stack.insert(stack.end(), {user, "core::ops::function::FnOnce::call_once", "std::rt::lang_start"});
    return blamed(stack);
  };
  EXPECT_EQ(found({"core::slice::sort::recurse", "alloc::slice::<impl [T]>::sort_by"}), "sorting: shop::rank");
  EXPECT_EQ(found({"shop::rank::{{closure}}", "core::slice::sort::merge_sort"}), "sorting: shop::rank");
  EXPECT_EQ(found({"hashbrown::raw::RawTable<T,A>::reserve_rehash"}), "map_growth: shop::rank");
  EXPECT_EQ(found({"core::fmt::write", "alloc::fmt::format::format_inner"}), "string_building: shop::rank");
  EXPECT_EQ(found({"<alloc::string::String as core::fmt::Write>::write_str"}), "string_building: shop::rank");
  EXPECT_EQ(found({"serde_json::ser::to_vec"}), "json: shop::rank");
  EXPECT_EQ(found({"regex_automata::nfa::thompson::compiler::Compiler::c", "regex::regex::string::Regex::new"}),
            "regex_compile: shop::rank");
  EXPECT_EQ(found({"_int_malloc", "malloc", "__rdl_alloc", "__rust_alloc"}), "allocation_churn: shop::rank");
  EXPECT_EQ(found({"std::sys::sync::mutex::futex::Mutex::lock_contended"}), "locks: shop::rank");
  EXPECT_EQ(found({"core::slice::<impl [T]>::binary_search_by"}), "own_code: shop::rank");
  EXPECT_EQ(found({"<shop::Cart as core::fmt::Display>::fmt"}), "own_code: <shop::Cart as core::fmt::Display>::fmt");
}

TEST(Causes, what_the_users_code_costs_when_called_back_is_its_own) {
  EXPECT_EQ(blamed({"main.sum", "main.handle", "reflect.Value.call", "reflect.Value.Call", "main.serve"}),
            "own_code: main.sum");
  EXPECT_EQ(blamed({"main.(*Price).MarshalJSON", "encoding/json.Marshal", "main.reply"}),
            "own_code: main.(*Price).MarshalJSON");
  EXPECT_EQ(blamed({"regexp.MustCompile", "main.(*Price).MarshalJSON", "encoding/json.Marshal", "main.reply"}),
            "regex_compile: main.(*Price).MarshalJSON");
  EXPECT_EQ(blamed({"main.rank.func1", "sort.insertionSort_func", "sort.Slice", "main.rank"}), "sorting: main.rank");
}

TEST(Causes, of_go_look_alikes_stay_own_code) {
  EXPECT_EQ(blamed({"main.find.func1", "sort.Search", "main.find"}), "own_code: main.find.func1");
  EXPECT_EQ(blamed({"sort.SearchInts", "main.find"}), "own_code: main.find");
  EXPECT_EQ(blamed({"regexp.(*Regexp).doExecute", "regexp.(*Regexp).MatchString", "main.match"}),
            "own_code: main.match");
  EXPECT_EQ(blamed({"runtime.mapaccess1_faststr", "main.find"}), "own_code: main.find");
  EXPECT_EQ(blamed({"strings.(*Builder).WriteByte", "main.fill"}), "own_code: main.fill");
  EXPECT_EQ(blamed({"sync.(*Mutex).Lock", "main.bump"}), "own_code: main.bump");
  EXPECT_EQ(blamed({"math.log", "math.Log", "main.entry"}), "own_code: main.entry");
  EXPECT_EQ(blamed({"runtime.lock2", "runtime.(*mheap).alloc", "runtime.mallocgc", "main.make"}),
            "allocation_churn: main.make");
}

TEST(Causes, closures_and_type_arguments_count_as_one_function) {
  Profile p;
  auto str = [&](std::string_view s) { return p.strings.intern(s); };
  p.sample_types = {{str("cpu"), str("nanoseconds")}};
  p.values.resize(1);
  uint32_t i = 0;
  for (auto [name, value] : {std::pair("main.load.func1", 3), std::pair("main.load.func2", 5),
                             std::pair("main.load", 4), std::pair("main.Map[go.shape.int]", 1)}) {
    p.functions.push_back({i + 1u, str(name), str(name), 0, 0});
    p.lines.push_back({i, 1, 0});
    p.locations.push_back({i + 1u, 0x1000u + i, profile::kNone, i, 1, false});
    p.add_sample(std::vector<uint32_t>{i++}, {}, std::vector<int64_t>{value});
  }
  Attribution a = attribute(p, **RuleSet::built_in(), findings::Resource::kCpu);
  ASSERT_EQ(a.by_own_function.size(), 2u);
  const auto& [function, value] = *a.by_own_function.rbegin();
  EXPECT_EQ(function.name, "main.load.func2");
  EXPECT_EQ(function.key, "main.load");
  EXPECT_EQ(value, 12);
  EXPECT_EQ(a.by_own_function.begin()->first.key, "main.Map");
}

// A directory of its own that goes with the test.
struct TemporaryDirectory {
  std::string path = testing::TempDir() + "watchfire-causes-XXXXXX";
  std::vector<std::string> files;
  TemporaryDirectory() { EXPECT_NE(::mkdtemp(path.data()), nullptr); }
  ~TemporaryDirectory() {
    for (const std::string& f : files) ::unlink(f.c_str());
    ::rmdir(path.c_str());
  }
  std::string write(const std::string& name, std::string_view bytes) {
    files.push_back(path + "/" + name);
    FILE* f = std::fopen(files.back().c_str(), "w");
    EXPECT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), f), bytes.size());
    std::fclose(f);
    return files.back();
  }
};

TEST(Causes, in_files_have_readable_names_and_commands_with_the_right_files) {
  Profile p;
  auto str = [&](std::string_view s) { return p.strings.intern(s); };
  p.sample_types = {{str("samples"), str("count")}, {str("cpu"), str("nanoseconds")}};
  p.period_type = p.sample_types[1];
  p.period = 10'000'000;
  p.duration_ns = 10 * kSecond;
  p.values.resize(2);
  std::vector<uint32_t> stack;
  for (const char* name : {"_ZSt16__introsort_loopIPilEvT_S1_T0_", "_ZN3app4rankEPi", "main"}) {
    uint32_t i = static_cast<uint32_t>(p.locations.size());
    p.functions.push_back({i + 1u, str(name), str(name), 0, 0});
    p.lines.push_back({i, 1, 0});
    p.locations.push_back({i + 1u, 0x1000u + i, profile::kNone, i, 1, false});
    stack.push_back(i);
  }
  p.add_sample(stack, {}, std::vector<int64_t>{500, 500 * p.period});
  TemporaryDirectory dir;
  std::string file = dir.write("it's cpu.pprof", converters::encode_pprof(p));
  dir.write("readme", "no profile at all");

  converters::FileQuery query;
  std::vector<std::string> notes;
  constexpr TimeRange kSlot{0, 1000 * kSecond};
  ASSERT_TRUE(query.add({dir.path}, kSlot, notes));
  EXPECT_EQ(notes.size(), 1u);
  AnalystRequest request{.range = kSlot};
  request.files = [&](const profile::Selector& s, TimeRange range) { return query.files(s, range); };
  auto digest = Analyst::create("")->analyze(query, request);
  ASSERT_TRUE(digest) << digest.error().text();
  ASSERT_EQ(digest->findings.size(), 1u);
  const findings::Finding& f = digest->findings[0];
  EXPECT_EQ(f.cause_class, "sorting");
  EXPECT_EQ(f.function.raw(), "app::rank");
  EXPECT_EQ(f.evidence[0].command, "watchfire pprof -sample_index=cpu -peek='^app::rank$' " + shell_quoted(file));
}

}  // namespace
}  // namespace watchfire::agent
