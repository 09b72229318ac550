#include "harness/check/strangers.h"

#include <cstdint>
#include <map>
#include <set>
#include <string_view>

namespace trireme {
namespace {

constexpr std::string_view kFromOutside = "outside#";  // in ids that the probe gives

class StrangerReader {
 public:
  explicit StrangerReader(const TrialView& view) {
    for (const Event& event : view.history->events()) {
      if (event.kind != EventKind::kConnection) continue;
      if (event.key == "opened") AddOpened(event);
      if (event.key == "closed") AddClosed(event);
    }
  }

  std::string InWords() const {
    if (!came_to_.empty())
      return "a process outside of the trial connected to " + came_to_.begin()->first + " (" +
             Count(came_to_.begin()->second, "time") + ")";
    for (const auto& [number, address] : answered_)
      if (!accepted_.contains(number) && own_.contains(address))
        return "a process outside of the trial answered at " + address +
               ", which had been the trial's own";
    return "";
  }

 private:
  void AddOpened(const Event& event) {
    const Json value = event.Value();
    if (GetString(value, "kind") != "tcp") return;  // paths are not given out again
    if (GetString(value, "side") != "server") {
      peers_[event.id] = GetString(value, "peer");
      return;
    }
    const std::string local = GetString(value, "local");
    accepted_.insert(event.id);
    own_.insert(local);
    if (GetString(value, "connection").starts_with(kFromOutside)) ++came_to_[local];
  }

  // What waited to be accepted when the trial ended has no other end either, but read nothing.
  void AddClosed(const Event& event) {
    const Json value = event.Value();
    const auto peer = peers_.find(event.id);
    if (peer == peers_.end() || GetString(value, "side") != "client") return;
    if (GetInt(value, "read") > 0) answered_[event.id] = peer->second;
  }

  std::map<uint64_t, std::string> peers_;     // of the ends that connected
  std::map<uint64_t, std::string> answered_;  // those that read something
  std::set<uint64_t> accepted_;               // connections that the trial has accepted
  std::set<std::string> own_;                 // addresses where it did
  std::map<std::string, int64_t> came_to_;    // how many from outside
};

}  // namespace

// Whoever serves under `watch` is there to be connected to.
std::string StrangersInWords(const TrialView& view) {
  return view.watched() ? "" : StrangerReader(view).InWords();
}

}  // namespace trireme
