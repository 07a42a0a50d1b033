#pragma once

#include <string>
#include <string_view>

namespace watchfire::agent {

/// What rules match: a function's own qualified name, without return type, parameters, template or type arguments,
/// compilers' clone suffixes, and the standard library's inline namespaces, so that text inside the arguments never
/// decides. Takes names of Go, C++ (in full or as reports print them) and Rust; others come back as they are.
///
///   void std::sort<app::Order*>(app::Order*, app::Order*)  ->  std::sort
///   std::__cxx11::basic_string<char>::append(char const*)  ->  std::basic_string::append
///   app::index(std::vector<int>&)::{lambda(int)#1}::operator()(int) const  ->  app::index::{lambda#1}::operator()
///   main.(*List[go.shape.int]).Push  ->  main.(*List).Push
///   alloc::slice::<impl [T]>::sort_by  ->  alloc::slice::sort_by
///   <alloc::vec::Vec<T> as core::ops::drop::Drop>::drop  ->  <alloc::vec::Vec as core::ops::drop::Drop>::drop
std::string own_name(std::string_view name);

/// The own name without what compilers number: "main.f.func2.1", "app::f::{lambda#1}::operator()" and
/// "app::f::{{closure}}" are main.f and app::f. The same function keeps it from build to build.
std::string stable_name(std::string_view name);

}  // namespace watchfire::agent
