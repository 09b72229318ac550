#ifndef TRIREME_TESTS_HARNESS_ENGINE_CHAOS_BEHAVIOURS_H_
#define TRIREME_TESTS_HARNESS_ENGINE_CHAOS_BEHAVIOURS_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "harness/base/json.h"

namespace trireme {

// A way to misbehave, in the words of tests/testing/fake_runner.cc, and the EXIT that its trial
// must end in. The guardian's end reaches the runner and the harness at once, so that one may be
// seen first or the other.
struct ChaosBehaviour {
  std::string_view trial;   // parameter `do`
  std::string_view runner;  // parameter `runner`
  std::string_view exit;    // keys that are right, separated by spaces

  Json Params() const {
    return {{"do", trial}, {"runner", runner}, {"bytes", int64_t{2} << 30}, {"unlimited", true}};
  }
};

inline constexpr std::array<ChaosBehaviour, 24> kChaosBehaviours = {{
    {"hang", "", "timeout"},
    {"hang-without-stacks", "", "timeout"},
    {"hang-with-the-lock", "", "timeout"},
    {"record-for-ever", "", "timeout"},
    {"stop-itself", "", "timeout"},
    {"segv", "", "signalled"},
    {"abort", "", "signalled"},
    {"exit", "", "exited"},
    {"orphan", "", "exited"},
    {"orphan-hang", "", "timeout"},
    {"ignore-sigterm", "", "timeout"},
    {"flood", "", "exited timeout"},
    {"memory", "", "signalled timeout"},
    {"fork-bomb", "", "timeout"},
    {"kill-runner", "", "vanished"},
    {"stop-runner", "", "timeout"},
    {"kill-guardian", "", "vanished"},
    {"stop-guardian", "", "exited"},
    {"remove-folder", "", "exited"},
    {"return", "garbage", "vanished"},
    {"return", "unknown-message", "vanished"},
    {"hang", "started-twice", "vanished"},
    {"hang", "close-socket", "vanished"},
    {"return", "crash-before-start", "vanished"},
}};

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_ENGINE_CHAOS_BEHAVIOURS_H_
