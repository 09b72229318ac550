#include "harness/check/finding_set.h"

namespace trireme {
namespace {

constexpr size_t kMostFindings = 100;  // distinct signatures

}  // namespace

void FindingSet::Add(const Finding& finding, int64_t count, int64_t first_trial) {
  const auto [place, is_new] = places_.try_emplace(finding.kind + finding.signature, all_.size());
  if (!is_new) {
    CellFinding& known = all_[place->second];
    known.count += count;
    if (first_trial < known.first_trial) {
      known.finding = finding;
      known.first_trial = first_trial;
    }
    return;
  }
  if (all_.size() == kMostFindings) {
    places_.erase(place);
    ++left_out_;
    return;
  }
  all_.push_back({.finding = finding, .count = count, .first_trial = first_trial});
}

}  // namespace trireme
