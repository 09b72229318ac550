#ifndef TRIREME_WORKLOAD_PLACE_H_
#define TRIREME_WORKLOAD_PLACE_H_

namespace trireme::internal {

// Where a workload makes something, or calls what may wait, for its history and its stacks. As the default of an argument,
// Here() is the place of the call.
// (Clang 14 has no std::source_location.)
struct Place {
  const char* file;
  int line;
  const char* function;

  static constexpr Place Here(const char* file = __builtin_FILE(), int line = __builtin_LINE(),
                              const char* function = __builtin_FUNCTION()) {
    return {file, line, function};
  }
  // For a call that another one of the API makes: its task stays where it is.
  static constexpr Place Same() { return {nullptr, 0, nullptr}; }
  // Of a call with more arguments than it has overloads for: after any number of them no default can come.
  static constexpr Place Unknown() { return {"", 0, ""}; }
};

// The current task calls the API from here.
void ComeTo(const Place& place);

}  // namespace trireme::internal

#endif  // TRIREME_WORKLOAD_PLACE_H_
