#include "harness/check/sync_events.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "harness/base/json.h"
#include "harness/base/strings.h"

namespace trireme {
namespace {

constexpr std::array<std::pair<std::string_view, SyncAction>, 14> kActions = {
    {{"new", SyncAction::kNew},
     {"acquire", SyncAction::kAcquire},
     {"release", SyncAction::kRelease},
     {"wait", SyncAction::kWait},
     {"put", SyncAction::kPut},
     {"get", SyncAction::kGet},
     {"set", SyncAction::kSet},
     {"clear", SyncAction::kClear},
     {"notify", SyncAction::kNotify},
     {"passed", SyncAction::kPassed},
     {"connected", SyncAction::kConnected},
     {"read", SyncAction::kRead},
     {"write", SyncAction::kWrite},
     {"close", SyncAction::kClose}}};

constexpr std::array<std::pair<std::string_view, WaitKind>, 12> kWaitKinds = {
    {{"lock", WaitKind::kLock},
     {"semaphore", WaitKind::kSemaphore},
     {"condition", WaitKind::kCondition},
     {"event", WaitKind::kEvent},
     {"queue-put", WaitKind::kQueuePut},
     {"queue-get", WaitKind::kQueueGet},
     {"pool", WaitKind::kPool},
     {"pool-place", WaitKind::kPoolPlace},
     {"pool-join", WaitKind::kPoolJoin},
     {"recv", WaitKind::kRecv},
     {"send", WaitKind::kSend},
     {"join", WaitKind::kJoin}}};

template <typename Value, size_t size>
Value Named(const std::array<std::pair<std::string_view, Value>, size>& names,
            std::string_view name, Value fallback) {
  for (const auto& [known, value] : names)
    if (known == name) return value;
  return fallback;
}

}  // namespace

std::string ShortPlace(std::string_view place) {
  place = place.substr(0, place.find(" in "));
  const size_t slash = place.find_last_of('/');
  return ToValidUtf8(slash == std::string_view::npos ? place : place.substr(slash + 1));
}

SyncAction ActionOf(const Event& sync) { return Named(kActions, sync.key, SyncAction::kOther); }

WaitKind WaitKindOf(std::string_view key) { return Named(kWaitKinds, key, WaitKind::kOther); }

std::optional<uint64_t> WaitedFor(const Event& wait) {
  if (wait.type != ValueType::kInt) return std::nullopt;
  const int64_t number = wait.Value().get<int64_t>();
  if (number <= 0) return std::nullopt;
  return static_cast<uint64_t>(number);
}

std::optional<int64_t> DeadlineOf(const Event& deadline) {
  if (deadline.type != ValueType::kInt) return std::nullopt;
  const int64_t left = deadline.Value().get<int64_t>();
  const bool fits =
      left <= std::numeric_limits<int64_t>::max() - std::max<int64_t>(deadline.time, 0);
  return fits ? deadline.time + std::max<int64_t>(left, 0) : std::numeric_limits<int64_t>::max();
}

Ends EndsOf(const Event& connected) {
  if (connected.type != ValueType::kText) return {};
  const std::string text = ToValidUtf8(connected.raw);
  const size_t space = text.find(' ');
  if (space == std::string::npos) return {};
  return {.here = text.substr(0, space), .there = text.substr(space + 1)};
}

std::optional<int64_t> ItemsAfter(const Event& sync) {
  if (sync.type != ValueType::kInt) return std::nullopt;
  const int64_t items = sync.Value().get<int64_t>();
  if (items < 0) return std::nullopt;
  return items;
}

ObjectFacts FactsOf(const Event& made) {
  const Json value = made.Value();
  return {.kind = GetString(value, "kind"),
          .place = GetString(value, "place"),
          .size = std::max<int64_t>(0, GetInt(value, "size"))};
}

std::string ObjectText(const ObjectFacts& facts) {
  const std::string kind = facts.kind.empty() ? "object" : facts.kind;
  return facts.place.empty() ? kind : kind + " made at " + ShortPlace(facts.place);
}

std::string WithoutNumbers(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c < '0' || c > '9') out += c;
  }
  return out;
}

int64_t EndOfWaits(const TrialView& view) {
  if (view.exit.how == "timeout") return view.exit.timeout;
  return view.end != nullptr ? view.end->time : view.last_time;
}

std::string WhyNotWhole(const TrialView& view) {
  if (!view.history->damage().empty()) return "the history is damaged";
  if (view.history->lost() > 0)
    return Count(static_cast<int64_t>(view.history->lost()), "event") + " could not be recorded";
  return "";
}

}  // namespace trireme
