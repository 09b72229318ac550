#ifndef TRIREME_HARNESS_CHECK_FINDING_KINDS_H_
#define TRIREME_HARNESS_CHECK_FINDING_KINDS_H_

#include <span>
#include <string_view>

namespace trireme {

// What a kind of finding means, and what to do about it.
struct FindingKind {
  std::string_view name;
  bool advisory = false;  // no finding of it fails a cell
  std::string_view text;  // sentences, the first of which says what it is

  std::string_view summary() const;  // that first one
};

// Every kind that a check may report, in this build or a later one.
std::span<const FindingKind> ExplainedFindingKinds();

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_FINDING_KINDS_H_
