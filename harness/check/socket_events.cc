#include "harness/check/socket_events.h"

#include "harness/base/json.h"
#include "harness/check/stacks.h"

namespace trireme {
namespace {

uint32_t TaskIn(const Json& value) {
  const int64_t task = GetInt(value, "task");
  return task > 0 && task <= int64_t{UINT32_MAX} ? static_cast<uint32_t>(task) : 0;
}

Meeting ParseMeeting(const Event& event) {
  const Json value = event.Value();
  const Json& other = GetMember(value, "other");
  Meeting meeting{.action = std::string(event.key),
                  .kind = GetString(value, "kind"),
                  .how = GetString(value, "how"),
                  .local = GetString(value, "local"),
                  .peer = GetString(value, "peer"),
                  .message = GetString(value, "message"),
                  .object = event.id,
                  .time = event.time,
                  .other_known = other.is_object(),
                  .first = {},
                  .second = {}};
  meeting.second = {.task = event.task,
                    .process = event.process,
                    .thread = event.thread,
                    .fd = GetInt(value, "fd", -1),
                    .name = GetString(value, "name"),
                    .stack = StackIn(value, "stack"),
                    .takes_one = GetBool(value, "one")};
  meeting.second.takes_more =
      meeting.how == "read" && !meeting.second.takes_one && value.contains("size");
  meeting.first = {.task = TaskIn(other),
                   .process = GetInt(other, "process"),
                   .thread = GetInt(other, "thread"),
                   .fd = GetInt(other, "fd", -1),
                   .name = GetString(value, "other_name"),
                   .stack = StackIn(value, "other_stack"),
                   .takes_one = GetBool(other, "one")};
  return meeting;
}

bool IsMeeting(const Event& event, std::string_view direction) {
  if (event.kind != EventKind::kSocket) return false;
  if (event.key == "shared-listener") return direction == "read";
  if (event.key == (direction == "read" ? "second-reader" : "second-writer")) return true;
  if (event.key != "rejected" && event.key != "replaced") return false;
  return GetString(event.Value(), "direction") == direction;
}

bool IsOf(const Waiter& waiter, const Transfer& transfer) {
  if (waiter.process != transfer.process) return false;
  return waiter.task != 0 ? waiter.task == transfer.task
                          : transfer.task == 0 && waiter.thread == transfer.thread;
}

// A loop reads for its tasks between their steps: for the one of the two that runs next in its thread.
uint32_t ReadFor(const TrialView& view, const Transfer& transfer, const Meeting& meeting) {
  for (const Event& event : view.history->events())
    if (event.kind == EventKind::kSwitch && event.time > transfer.time &&
        event.thread == transfer.thread && event.task != 0 &&
        (event.task == meeting.first.task || event.task == meeting.second.task))
      return event.task;
  return 0;
}

}  // namespace

std::vector<Meeting> MeetingsOf(const TrialView& view, std::string_view direction) {
  std::vector<Meeting> meetings;
  for (const Event& event : view.history->events())
    if (IsMeeting(event, direction)) meetings.push_back(ParseMeeting(event));
  return meetings;
}

std::vector<Transfer> TransfersOf(const TrialView& view, std::string_view direction) {
  std::vector<Transfer> transfers;
  for (const Event& event : view.history->events()) {
    if (event.kind != EventKind::kSocket || event.key != direction) continue;
    const Json value = event.Value();
    transfers.push_back({.object = event.id,
                         .time = event.time,
                         .bytes = GetInt(value, "bytes"),
                         .task = event.task,
                         .process = event.process,
                         .thread = event.thread,
                         .takes_one = GetBool(value, "one"),
                         .name = GetString(value, "name"),
                         .stack = StackIn(value, "stack")});
  }
  return transfers;
}

bool FindStackOfFirst(Meeting& meeting, const std::vector<Transfer>& transfers) {
  for (const Transfer& transfer : transfers) {
    if (!meeting.first.stack.empty()) break;
    if (transfer.object != meeting.object || !IsOf(meeting.first, transfer)) continue;
    meeting.first.stack = transfer.stack;
    if (meeting.first.name.empty()) meeting.first.name = transfer.name;
  }
  return !meeting.first.stack.empty();
}

std::string OutcomeOf(const TrialView& view, const Meeting& meeting,
                      const std::vector<Meeting>& meetings,
                      const std::vector<Transfer>& transfers) {
  for (const Meeting& other : meetings)
    if (other.action == "rejected" && other.object == meeting.object) return "second-rejected";
  int64_t first = INT64_MAX, second = INT64_MAX;  // when each first got something
  for (Transfer transfer : transfers) {
    if (transfer.object != meeting.object || transfer.bytes <= 0 || transfer.time < meeting.time)
      continue;
    if (transfer.task == 0 && meeting.first.task != 0)
      transfer.task = ReadFor(view, transfer, meeting);
    if (IsOf(meeting.first, transfer)) first = std::min(first, transfer.time);
    if (IsOf(meeting.second, transfer)) second = std::min(second, transfer.time);
  }
  if (first == INT64_MAX && second == INT64_MAX) return "";
  if (first == INT64_MAX) return "first-starves";
  return first < second ? "fifo" : "second-steals";
}

}  // namespace trireme
