# Compiler settings and warnings as targets: every first-party target links both.
include(GNUInstallDirs)

option(TRIREME_WERROR "Warnings are errors" OFF)
option(TRIREME_UNITY "Compile several files of a target at once" OFF)
set(TRIREME_UNITY_BATCH 12 CACHE STRING "How many files TRIREME_UNITY compiles at once; more take less time in all, and more after a change")
option(TRIREME_BUILD_TESTS "Build the tests" ON)
option(TRIREME_BUILD_BENCHMARKS "Build tests/bench" OFF)
option(TRIREME_BUILD_FUZZERS "Build the libFuzzer programs of tests/fuzz; needs TRIREME_SANITIZE" OFF)
set(TRIREME_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them; needs Clang")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(TRIREME_CCACHE ccache)
if(TRIREME_CCACHE)
  # Paths below the checkout count relative to it, so that another clone of the same tree hits the same cache.
  # What is compiled with a precompiled header is kept only with this sloppiness, whose macros nothing here uses.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${TRIREME_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

add_library(trireme_settings INTERFACE)
target_compile_features(trireme_settings INTERFACE cxx_std_20)
target_include_directories(trireme_settings INTERFACE "${PROJECT_SOURCE_DIR}")
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET default)
if(TRIREME_SANITIZE)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "TRIREME_SANITIZE needs Clang: GCC's runtime aborts under LD_PRELOAD")
  endif()
  # Clang 14 cannot assemble a coroutine with UBSan's function check: "Cannot represent a difference across sections".
  target_compile_options(trireme_settings INTERFACE -fsanitize=${TRIREME_SANITIZE} -fno-sanitize-recover=all -fno-sanitize=function
                         -fno-omit-frame-pointer)
  target_link_options(trireme_settings INTERFACE -fsanitize=${TRIREME_SANITIZE})
endif()

add_library(trireme_warnings INTERFACE)
target_compile_options(trireme_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
                       -Woverloaded-virtual -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(trireme_warnings INTERFACE -Wthread-safety)
endif()
if(TRIREME_WERROR)
  target_compile_options(trireme_warnings INTERFACE -Werror)
endif()
