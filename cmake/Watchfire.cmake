# How Watchfire's folders become libraries, programs and test binaries. Every folder's CMakeLists.txt calls one
# of these; sources are globbed, so a new file needs no edit here.

add_library(wf_options INTERFACE)
target_include_directories(wf_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(wf_options INTERFACE -Wall -Wextra -Wno-missing-field-initializers -fno-omit-frame-pointer)
# Frame pointers also where clang would leave them out of leaf functions: we are profiled by ourselves.
target_compile_options(wf_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-mno-omit-leaf-frame-pointer>)
if(WATCHFIRE_SANITIZE)
  target_compile_options(wf_options INTERFACE -fsanitize=${WATCHFIRE_SANITIZE} -fno-sanitize-recover=all -O1 -g1)
  target_link_options(wf_options INTERFACE -fsanitize=${WATCHFIRE_SANITIZE})
endif()
if(WATCHFIRE_FUZZ)
  target_compile_options(wf_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
find_program(WF_LLD NAMES ld.lld-19 ld.lld)
if(WF_LLD)
  target_link_options(wf_options INTERFACE -fuse-ld=lld-19)
endif()

# A program needs only the libraries it calls.
target_link_options(wf_options INTERFACE -Wl,--as-needed)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# wf_library(NAME [DEPS targets...] [LIBS outside libraries...] [PKG pkg-config modules...])
# A static library of the folder's *.cc (not of its subfolders, and without *_main.cc).
function(wf_library name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;PKG;SUBDIRS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  foreach(sub ${ARG_SUBDIRS})
    file(GLOB more CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${sub}/*.cc)
    list(APPEND sources ${more})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "_main\\.cc$")
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE wf_options ${ARG_DEPS} ${ARG_LIBS})
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC wf_options ${ARG_DEPS} ${ARG_LIBS})
  foreach(module ${ARG_PKG})
    string(MAKE_C_IDENTIFIER ${module} id)
    pkg_check_modules(PKG_${id} REQUIRED IMPORTED_TARGET GLOBAL ${module})
    target_link_libraries(${name} PUBLIC PkgConfig::PKG_${id})
  endforeach()
endfunction()

# wf_program(NAME MAIN.cc DEPS...): an executable, installed into bin.
function(wf_program name main)
  add_executable(${name} ${main})
  target_link_libraries(${name} PRIVATE wf_options ${ARGN})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# wf_unit_tests(FOLDER DEPS...): one test binary of tests/unit/FOLDER/*_test.cc, named FOLDER_tests.
function(wf_unit_tests folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${folder}/*_test.cc)
  if(NOT sources)
    return()
  endif()
  add_executable(${folder}_tests ${sources})
  target_link_libraries(${folder}_tests PRIVATE wf_options test_support ${ARGN} GTest::gtest_main)
  set_target_properties(${folder}_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endfunction()
