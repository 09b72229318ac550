#ifndef TRIREME_HARNESS_SCAN_HACK_KINDS_H_
#define TRIREME_HARNESS_SCAN_HACK_KINDS_H_

#include <span>
#include <string_view>

namespace trireme {

// One kind of thing that disables or depends on multiple readers. The names are public: scripts and
// suppressions rely on them.
struct HackKind {
  std::string_view name;      // as the search in trireme_agent/hacks says it
  std::string_view summary;   // what it is
  std::string_view risk;      // what it may cost, as the end of a sentence after what was found
  std::string_view scenario;  // the one that shows it
  std::string_view level;     // of SARIF: "error", "warning", "note"
};

std::span<const HackKind> HackKinds();

// Null when there is no kind of this name.
const HackKind* FindHackKind(std::string_view name);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCAN_HACK_KINDS_H_
