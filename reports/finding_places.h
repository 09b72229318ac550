#ifndef TRIREME_REPORTS_FINDING_PLACES_H_
#define TRIREME_REPORTS_FINDING_PLACES_H_

#include <string>
#include <vector>

#include "harness/base/sarif.h"
#include "harness/check/verdict.h"

namespace trireme {

// What paths of frames are relative to: where the run was started; and the folder of an interpreter, of which stacks keep only
// what is below it.
inline constexpr const char* kWorkingDirectoryBase = "WORKINGDIRECTORY";
inline constexpr const char* kInterpreterBase = "INTERPRETER";

// How much a frame says of where to look, the least first.
enum class Precision { kNone, kFunction, kPackage, kOwnLine };

// Where one participant of a finding was.
struct ParticipantPlace {
  Precision precision = Precision::kNone;
  SarifLocation location;
};

// From the frames of stacks, "workload.py:12 in reader", to places in files. Never makes one up: a frame without a line, or
// whose path is relative to nobody knows what, is a function only.
class FindingPlaces {
 public:
  // `root`: where the run was started; `directory`: what relative paths begin in, "" for `root`. Both may be damaged.
  FindingPlaces(const std::string& root, const std::string& directory);

  // The innermost frame in code of the user's own, of each participant that has one; installed packages are the user's only
  // where nothing else is.
  std::vector<ParticipantPlace> Of(const Finding& finding) const;
  SarifStack StackOf(const Participant& participant) const;
  const std::string& root() const { return root_; }  // "" where it is not known

 private:
  SarifLocation LocationOf(const std::string& frame) const;
  ParticipantPlace PlaceOf(const std::string& frame) const;
  void SetFile(std::string path, SarifLocation& location) const;

  std::string root_, directory_;
};

}  // namespace trireme

#endif  // TRIREME_REPORTS_FINDING_PLACES_H_
