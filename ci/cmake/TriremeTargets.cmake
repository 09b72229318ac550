# With TRIREME_UNITY, the files of a library or test are compiled several at once: most of their time goes to the same headers
# and templates. So helpers in unnamed namespaces need names that no other file of the target has; SEPARATE is for files whose
# names mirror each other on purpose. The preset clang compiles each file alone, and finds includes that are missing.
function(trireme_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${TRIREME_UNITY} UNITY_BUILD_BATCH_SIZE ${TRIREME_UNITY_BATCH})
  if(TRIREME_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC takes every file but the one named on the command line for a header, where a type without linkage is a mistake.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# trireme_library(NAME check SOURCES ... DEPS base history PRIVATE_PACKAGES fmt::fmt) makes trireme::check.
function(trireme_library)
  cmake_parse_arguments(ARG "SEPARATE" "NAME" "SOURCES;DEPS;PACKAGES;PRIVATE_PACKAGES" ${ARGN})
  add_library(trireme_${ARG_NAME} STATIC ${ARG_SOURCES})
  if(NOT ARG_SEPARATE)
    trireme_unity(trireme_${ARG_NAME})
  endif()
  add_library(trireme::${ARG_NAME} ALIAS trireme_${ARG_NAME})
  target_link_libraries(trireme_${ARG_NAME} PUBLIC trireme_settings ${ARG_PACKAGES}
                        PRIVATE trireme_warnings ${ARG_PRIVATE_PACKAGES})
  foreach(dep IN LISTS ARG_DEPS)
    target_link_libraries(trireme_${ARG_NAME} PUBLIC trireme::${dep})
  endforeach()
endfunction()

# trireme_test(NAME check SOURCES a_test.cc DEPS check PACKAGES ...): one program per folder, each TEST a ctest
# "check.Suite.Case". The target cpp_tests builds all of these programs, and nothing else. PROCESSES, with the label cpp, is for
# those that start processes, preload the probe or run threads: what they show hangs on the compiler, on time and on memory as
# the product has them. process_tests builds these alone; the others have the label cpp-logic, and ci/test runs them under
# sanitizers only.
if(TRIREME_BUILD_TESTS)
  add_custom_target(cpp_tests)
  add_custom_target(process_tests)
endif()
# What all of them have in common; for one that brings its own main().
function(trireme_test_program target)
  trireme_unity(${target})
  # A test runs for milliseconds and is compiled at every change, mostly for the headers: what counts is the compiler's time.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-O0>)
  set_target_properties(${target} PROPERTIES UNITY_BUILD_BATCH_SIZE 30)
  target_link_libraries(${target} PRIVATE trireme_settings trireme_warnings GTest::gtest GTest::gmock)
  add_dependencies(cpp_tests ${target})
endfunction()
function(trireme_test)
  cmake_parse_arguments(ARG "PROCESSES" "NAME" "SOURCES;DEPS;PACKAGES" ${ARGN})
  add_executable(${ARG_NAME}_test ${ARG_SOURCES})
  trireme_test_program(${ARG_NAME}_test)
  target_link_libraries(${ARG_NAME}_test PRIVATE ${ARG_PACKAGES} GTest::gtest_main)
  foreach(dep IN LISTS ARG_DEPS)
    target_link_libraries(${ARG_NAME}_test PRIVATE trireme::${dep})
  endforeach()
  set(label cpp-logic)
  if(ARG_PROCESSES)
    add_dependencies(process_tests ${ARG_NAME}_test)
    set(label cpp)
  endif()
  gtest_discover_tests(${ARG_NAME}_test TEST_PREFIX "${ARG_NAME}." DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT 120 LABELS ${label})
endfunction()

# trireme_benchmark(NAME recorder SOURCES a_bench.cc DEPS ... PACKAGES ...): tests/bench/recorder_bench, which ci/bench runs.
# A benchmark with SetLabel("MEASURE | GOAL") has a row in the table; with "MEASURE | GOAL | NAME" its items per second are
# compared with those of the benchmark NAME.
add_custom_target(benchmarks)
function(trireme_benchmark)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS;PACKAGES" ${ARGN})
  add_executable(${ARG_NAME}_bench EXCLUDE_FROM_ALL ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME}_bench PRIVATE trireme_settings trireme_warnings ${ARG_PACKAGES} benchmark::benchmark
                        benchmark::benchmark_main)
  foreach(dep IN LISTS ARG_DEPS)
    target_link_libraries(${ARG_NAME}_bench PRIVATE trireme::${dep})
  endforeach()
  set_target_properties(${ARG_NAME}_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/bench")
  add_dependencies(benchmarks ${ARG_NAME}_bench)
endfunction()

# The layers hold, or the build fails.
add_custom_target(layering ALL COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/ci/check_layering.py"
                  VERBATIM)
