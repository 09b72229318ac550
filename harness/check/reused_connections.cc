#include "harness/check/reused_connections.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace trireme {
namespace {

// Pairs, pipes and files have no end that connected.
constexpr std::array<std::string_view, 3> kConnected = {"tcp", "unix", "datagram"};

// A task that runs in a fork's child as well is another one there; a thread that runs no task is one of its own.
struct User {
  uint32_t process = 0, task = 0, thread = 0;
  auto operator<=>(const User&) const = default;
};

template <typename Recorded>
User UserOf(const Recorded& event) {
  return {.process = event.process,
          .task = event.task,
          .thread = event.task == 0 ? event.thread : 0};
}

struct Use {
  ReusedConnection connection;
  User opener;
  std::map<User, int64_t> faults;
};

class UseReader {
 public:
  UseReader(const TrialView& view, const std::vector<AppliedFault>& faults) : view_(view) {
    const Event* last = nullptr;
    for (const Event& event : view.history->events()) {
      if (event.kind == EventKind::kConnection && event.key == "opened") AddOpened(event);
      // Most are of the thread and the task of the one before.
      if (last == nullptr || event.thread != last->thread || event.task != last->task)
        if (event.task != 0) with_tasks_.insert({event.process, event.thread});
      last = &event;
    }
    for (const AppliedFault& fault : faults) AddFault(fault);
  }

  std::vector<ReusedConnection> Reused() && {
    std::vector<ReusedConnection> reused;
    for (const std::string& id : order_) {
      Use& use = uses_.at(id);
      const bool by_others = std::any_of(use.faults.begin(), use.faults.end(), [&](const auto& one) {
        return IsAnother(use.opener, one.first);
      });
      if (!by_others) continue;
      const bool in_one = std::all_of(use.faults.begin(), use.faults.end(), [&](const auto& one) {
        return one.first.process == use.opener.process;
      });
      use.connection.opener = InWords(use.opener, !in_one);
      for (const auto& [user, count] : use.faults)
        use.connection.faults[InWords(user, !in_one)] += count;
      reused.push_back(std::move(use.connection));
    }
    return reused;
  }

 private:
  // What a thread does that runs tasks, but for none of them, its loop does for whoever asked.
  bool MayBeLoop(const User& user) const {
    return user.task == 0 && with_tasks_.contains({user.process, user.thread});
  }

  bool IsAnother(const User& opener, const User& user) const {
    if (user == opener) return false;
    return user.process != opener.process || (!MayBeLoop(user) && !MayBeLoop(opener));
  }

  std::string InWords(const User& user, bool with_process) const {
    const Task* known = user.task == 0 ? nullptr : view_.history->FindTask(user.task);
    std::string text = known != nullptr    ? "task " + known->path
                       : user.task != 0    ? "task " + std::to_string(user.task)
                       : MayBeLoop(user)   ? "the loop of thread " + std::to_string(user.thread)
                                           : "thread " + std::to_string(user.thread);
    if (known != nullptr && known->name != known->path) text += " (" + known->name + ")";
    if (with_process) text += " of process " + std::to_string(user.process);
    return text;
  }

  void AddOpened(const Event& event) {
    const Json value = event.Value();
    const std::string kind = GetString(value, "kind");
    if (std::find(kConnected.begin(), kConnected.end(), kind) == kConnected.end()) return;
    const std::string id = GetString(value, "connection");
    const bool accepted = GetString(value, "side") == "server";
    // Who accepts a connection gives it to whoever is to serve it: that is no pool.
    const auto [place, is_new] = uses_.try_emplace(id);
    ReusedConnection& connection = place->second.connection;
    // The end that accepted knows both addresses.
    const std::string local = GetString(value, accepted ? "peer" : "local");
    const std::string peer = GetString(value, accepted ? "local" : "peer");
    if (!local.empty() && (accepted || connection.local.empty())) connection.local = local;
    if (!peer.empty() && (accepted || connection.peer.empty())) connection.peer = peer;
    if (accepted || !connection.connection.empty()) return;
    connection.connection = id;
    place->second.opener = UserOf(event);
    order_.push_back(id);
  }

  void AddFault(const AppliedFault& fault) {
    if (fault.side != "client" || fault.call.empty() || fault.direction.empty()) return;
    const auto found = uses_.find(fault.connection);
    if (found != uses_.end()) ++found->second.faults[UserOf(fault)];
  }

  const TrialView& view_;
  std::set<std::pair<uint32_t, uint32_t>> with_tasks_;  // threads, by their processes
  std::map<std::string, Use> uses_;  // by their ids
  std::vector<std::string> order_;
};

}  // namespace

std::string ReusedInWords(const Json& reused) {
  const std::string local = GetString(reused, "local");
  const std::string peer = GetString(reused, "peer");
  std::string text = GetString(reused, "connection");
  if (!peer.empty()) text += " (" + (local.empty() ? "" : local + " ") + "to " + peer + ")";
  text += ", opened by " + GetString(reused, "opened_by") + ":";
  const Json& faults = GetMember(reused, "faults_by");
  if (!faults.is_object()) return text;
  const char* between = " ";
  for (const auto& [user, count] : faults.items()) {
    text += between + Count(GetInt(faults, user.c_str()), "fault") + " in " + user;
    between = ", ";
  }
  return text;
}

Json ReusedConnection::ToJson() const {
  return {{"connection", connection},
          {"local", local},
          {"peer", peer},
          {"opened_by", opener},
          {"faults_by", faults}};
}

std::vector<ReusedConnection> ReusedConnections(const TrialView& view,
                                                const std::vector<AppliedFault>& faults) {
  if (faults.empty()) return {};
  return UseReader(view, faults).Reused();
}

}  // namespace trireme
