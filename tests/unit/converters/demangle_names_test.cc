#include "converters/demangle_names.h"

#include <gtest/gtest.h>

namespace watchfire::converters {
namespace {

std::string shortened(std::string_view name) {
  return readable_name(name, DemangleMode::kDefault);
}

TEST(DemangleNames, drop_parameters_return_types_and_templates) {
  EXPECT_EQ(shortened("_ZN3fooIiE3barEi"), "foo::bar");
  EXPECT_EQ(readable_name("_ZN3fooIiE3barEi", DemangleMode::kTemplates), "foo<int>::bar");
  EXPECT_EQ(readable_name("_ZN3fooIiE3barEi", DemangleMode::kFull), "foo<int>::bar(int)");
  EXPECT_EQ(readable_name("_ZN3fooIiE3barEi", DemangleMode::kNone), "_ZN3fooIiE3barEi");
  EXPECT_EQ(shortened("_Z3maxIiET_S0_S0_"), "max");
  EXPECT_EQ(shortened("_Znam"), "operator new[]");
  EXPECT_EQ(shortened("_ZN4llvmlsIiEERNS_11raw_ostreamES2_T_"), "llvm::operator<<");
  EXPECT_EQ(shortened("_ZN12_GLOBAL__N_13runEv"), "(anonymous namespace)::run");
  EXPECT_EQ(shortened("_ZTV3foo"), "vtable for foo");
  EXPECT_EQ(shortened("_ZZ4mainENKUliE_clEi"), "main::{lambda(int)#1}::operator()");
  EXPECT_EQ(shortened("_Z3foov.cold"), "foo");
}

TEST(DemangleNames, shorten_names_that_are_demangled_already) {
  EXPECT_EQ(shortened("foo<int>::bar(int)"), "foo::bar");
  EXPECT_EQ(shortened("main.(*Server[...]).Run"), "main.(*Server[...]).Run");
  EXPECT_EQ(shortened("java.util.Map.<init>"), "java.util.Map.<init>");
  EXPECT_EQ(shortened("main"), "main");
  EXPECT_EQ(shortened("a::b)("), "a::b)(");
}

TEST(DemangleNames, survive_unbalanced_text) {
  for (std::string name : {"a::b<", "a::b(((", "a::operator<", "<<<>", "::(", "operator", "{lambda("}) {
    for (size_t i = 0; i <= name.size(); ++i) (void)shortened(std::string_view(name).substr(i));
  }
  (void)shortened("_Z" + std::string(100'000, 'P'));
}

TEST(DemangleNames, leave_functions_that_have_another_name) {
  profile::Profile p;
  auto text = [&](std::string_view t) { return p.strings.intern(t); };
  p.functions.push_back({.id = 1, .name = text("foo<int>::bar(int)"), .system_name = text("foo<int>::bar(int)")});
  p.functions.push_back({.id = 2, .name = text("kept(int)"), .system_name = text("_Z3foov")});
  p.functions.push_back({.id = 3, .name = 0, .system_name = text("_Z3foov")});
  demangle_names(p, DemangleMode::kDefault, false);
  EXPECT_EQ(p.text(p.functions[0].name), "foo::bar");
  EXPECT_EQ(p.text(p.functions[1].name), "kept(int)");
  EXPECT_EQ(p.text(p.functions[2].name), "foo");
  demangle_names(p, DemangleMode::kDefault, true);
  EXPECT_EQ(p.text(p.functions[1].name), "foo");
}

}  // namespace
}  // namespace watchfire::converters
