#ifndef TRIREME_HARNESS_CLI_WATCHABLE_CHECKS_H_
#define TRIREME_HARNESS_CLI_WATCHABLE_CHECKS_H_

#include <algorithm>
#include <array>
#include <string_view>

namespace trireme {

// The checks that can be made of a program that nobody wrote for us, under `trireme watch`.
constexpr std::array<std::string_view, 6> kWatchable = {
    "multiple-readers", "multiple-writers", "blocked-loop", "hub-spin", "deadlock", "lock-order"};
// Those of them that an adapter in the program has to look at its locks for: of Python programs only.
constexpr std::array<std::string_view, 2> kOfLocks = {"deadlock", "lock-order"};

// Of which programs: "any", "Python", or "-" for none.
inline std::string_view WatchedOf(std::string_view check) {
  if (std::find(kOfLocks.begin(), kOfLocks.end(), check) != kOfLocks.end())
    return "Python";
  const bool any = std::find(kWatchable.begin(), kWatchable.end(), check) != kWatchable.end();
  return any ? "any" : "-";
}

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_WATCHABLE_CHECKS_H_
