#include "reports/finding_places.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "harness/base/strings.h"
#include "harness/check/stacks.h"
#include "reports/words.h"

namespace trireme {
namespace {

constexpr std::string_view kIn = " in ";
constexpr size_t kLongestFrame = 4000;  // bytes; what is longer was made to be

// Absolute, without "." and ".."; "" for what is not absolute.
std::string AbsoluteFolder(const std::string& path) {
  if (!path.starts_with('/')) return "";
  std::string folder = std::filesystem::path(path).lexically_normal().string();
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  return folder;
}

// The line that `place` ends in, "a.py:12"; nothing where it is none, or one that no file has.
std::optional<int64_t> LineIn(std::string_view place) {
  const size_t colon = place.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const std::string_view digits = place.substr(colon + 1);
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  const std::optional<uint64_t> line = ParseUnsigned(digits);
  constexpr uint64_t kMost = std::numeric_limits<int32_t>::max();
  return line && *line > 0 && *line <= kMost ? std::optional(static_cast<int64_t>(*line))
                                             : std::nullopt;
}

// Where the place of "a in b.py:12 in reader" ends: folders have such names too.
size_t EndOfPlace(std::string_view frame) {
  for (size_t in = frame.find(kIn); in != std::string_view::npos; in = frame.find(kIn, in + 1))
    if (LineIn(frame.substr(0, in))) return in;
  return frame.find(kIn);
}

bool InPackages(std::string_view path) {
  return path.find("-packages/") != std::string_view::npos;
}

// "lib/python3.11/site-packages/a.py": stacks keep no more of what an interpreter came with.
bool BelowInterpreter(std::string_view path) { return path.starts_with("lib/python3."); }

}  // namespace

FindingPlaces::FindingPlaces(const std::string& root, const std::string& directory)
    : root_(AbsoluteFolder(ToValidUtf8(root))), directory_(AbsoluteFolder(directory)) {
  if (directory_.empty()) directory_ = root_;
}

void FindingPlaces::SetFile(std::string path, SarifLocation& location) const {
  // "<string>" is no file; a compiler's "../a.cc" begins where it was built, which nobody knows.
  if (path.starts_with('<') || path.starts_with('?') || path.starts_with("..")) return;
  if (BelowInterpreter(path)) {
    location.file = std::move(path);
    location.base = kInterpreterBase;
    return;
  }
  if (!path.starts_with('/')) {
    if (directory_.empty()) return;  // relative to what is not known
    path.insert(0, directory_ + "/");
  }
  path = std::filesystem::path(path).lexically_normal().string();
  const std::string prefix = root_ == "/" ? root_ : root_ + "/";
  const bool below = !root_.empty() && path.starts_with(prefix) && path.size() > prefix.size();
  location.file = below ? path.substr(prefix.size()) : path;
  if (below) location.base = kWorkingDirectoryBase;
}

SarifLocation FindingPlaces::LocationOf(const std::string& whole) const {
  SarifLocation location;
  const std::string frame = whole.substr(0, kLongestFrame);
  const size_t end = EndOfPlace(frame);
  const std::string place = frame.substr(0, end);
  const std::string function = end == std::string::npos ? "" : frame.substr(end + kIn.size());
  location.function = OneLine(function.empty() || function == "??" ? place : function, 2000);
  if (const std::optional<int64_t> line = LineIn(place)) {
    SetFile(place.substr(0, place.rfind(':')), location);
    if (!location.file.empty()) location.region.line = *line;
  }
  return location;
}

ParticipantPlace FindingPlaces::PlaceOf(const std::string& frame) const {
  if (PlaceOfFrame(frame).empty()) return {};
  ParticipantPlace place{.precision = Precision::kOwnLine, .location = LocationOf(frame)};
  if (place.location.file.empty())
    place.precision = Precision::kFunction;
  else if (place.location.base == kInterpreterBase || InPackages(place.location.file))
    place.precision = Precision::kPackage;
  return place;
}

std::vector<ParticipantPlace> FindingPlaces::Of(const Finding& finding) const {
  std::vector<ParticipantPlace> places;
  for (const Participant& participant : finding.participants) {
    ParticipantPlace best;
    for (const std::string& frame : participant.stack)  // the innermost is the last
      if (ParticipantPlace place = PlaceOf(frame); place.precision >= best.precision)
        best = std::move(place);
    if (best.precision == Precision::kNone) continue;
    best.location.description = OneLine(NameOf(participant));
    places.push_back(std::move(best));
  }
  return places;
}

SarifStack FindingPlaces::StackOf(const Participant& participant) const {
  SarifStack stack{.description = OneLine(NameOf(participant))};
  for (auto frame = participant.stack.rbegin(); frame != participant.stack.rend(); ++frame)
    stack.frames.push_back(LocationOf(*frame));
  return stack;
}

}  // namespace trireme
