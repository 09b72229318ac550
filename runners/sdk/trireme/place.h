#ifndef TRIREME_WORKLOAD_PLACE_H_
#define TRIREME_WORKLOAD_PLACE_H_

namespace trireme::internal {

// Where a workload makes something, for its history. As the default of an argument, Here() is the place of the call.
// (Clang 14 has no std::source_location.)
struct Place {
  const char* file;
  int line;
  const char* function;

  static constexpr Place Here(const char* file = __builtin_FILE(), int line = __builtin_LINE(),
                              const char* function = __builtin_FUNCTION()) {
    return {file, line, function};
  }
};

}  // namespace trireme::internal

#endif  // TRIREME_WORKLOAD_PLACE_H_
