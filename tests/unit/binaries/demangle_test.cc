#include "binaries/demangle.h"

#include <gtest/gtest.h>

#include <random>

#include "binaries/rust_demangle.h"

namespace watchfire::binaries {
namespace {

TEST(Demangle, cpp) {
  EXPECT_EQ(demangle("_ZN3foo3barEi"), "foo::bar(int)");
  EXPECT_EQ(demangle("_ZN3foo3barEi.cold"), "foo::bar(int) [clone .cold]");
  EXPECT_EQ(demangle("_Z1fv@@V_1"), "f()");
  EXPECT_EQ(demangle("main"), "main");
  EXPECT_EQ(demangle("memcpy@@GLIBC_2.14"), "memcpy");
  EXPECT_EQ(demangle("_Z"), "_Z");
  EXPECT_EQ(demangle("@odd"), "@odd");
}

TEST(Demangle, rust_legacy_loses_its_hash_and_escapes) {
  EXPECT_EQ(demangle("_ZN4core3fmt5write17h0123456789abcdefE"), "core::fmt::write");
  EXPECT_EQ(
      demangle("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE"),
      "<Test + 'static as foo::Bar<Test>>::bar");
}

TEST(Demangle, rust_v0) {
  EXPECT_EQ(demangle("_RNvCs1234_7mycrate4main"), "mycrate::main");
  EXPECT_EQ(demangle("_RNvNtCs1234_7mycrate3foo3bar"), "mycrate::foo::bar");
  EXPECT_EQ(demangle("_RNCNvCs1234_7mycrate4main0B3_"), "mycrate::main::{closure#0}");
  EXPECT_EQ(demangle("_RMCs4fqI2P2rA04_13const_genericINtB0_8UnsignedKhb_E"), "<const_generic::Unsigned<11>>");
  EXPECT_EQ(demangle("_RINvCs1_1a1fmE"), "a::f::<u32>");
  EXPECT_EQ(demangle("_RNvXCs1_1aNtB2_1SNtB2_1T1m"), "<a::S as a::T>::m");
  EXPECT_EQ(demangle("_RINvCs1_1a1fRShTlmEE"), "a::f::<&[u8], (i32, u32)>");
}

TEST(Demangle, hostile_names_come_back_bounded) {
  std::string deep = "_R";
  for (int i = 0; i < 5000; ++i) deep += "Nv";
  EXPECT_EQ(demangle(deep).size(), kMaxDemangled);
  // Each back reference prints what stands before it twice: doubling without a bound.
  std::string doubling = "_RINvC1a1f";
  for (int i = 0; i < 60; ++i) doubling += "TB2_B2_E";
  doubling += "E";
  EXPECT_LE(demangle(doubling).size(), kMaxDemangled);
  std::string huge(100'000, 'x');
  EXPECT_EQ(demangle(huge).size(), kMaxDemangled);
  EXPECT_LE(demangle("_Z" + std::string(20'000, '1')).size(), kMaxDemangled);
}

TEST(Demangle, random_names_do_no_harm) {
  std::mt19937 random(11);
  constexpr char kLetters[] = "CMXYNIBERKLTSAPOFDGUspn_0123456789vtabhfu";
  for (int i = 0; i < 100'000; ++i) {
    std::string name = "_R";
    name += static_cast<char>('A' + random() % 26);
    for (uint32_t k = random() % 40; k > 0; --k) name += kLetters[random() % (sizeof kLetters - 1)];
    EXPECT_FALSE(demangle(name).empty());
  }
}

}  // namespace
}  // namespace watchfire::binaries
