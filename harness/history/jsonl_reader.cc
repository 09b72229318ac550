#include "harness/history/jsonl_reader.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "harness/base/base64.h"
#include "harness/base/strings.h"
#include "harness/history/writer.h"

namespace trireme {
namespace {

constexpr uint16_t kLastKind = static_cast<uint16_t>(EventKind::kDeadline);

// Members of every line; the rest of a socket's or a fault's line is its value.
constexpr std::string_view kCommonMembers[] = {"cell",  "scenario", "runtime", "interpreter",
                                               "trial", "t",        "process", "thread",
                                               "task",  "event"};

std::optional<EventKind> KindOf(const Json& line) {
  const std::string name = GetString(line, "event");
  for (uint16_t kind = 1; kind <= kLastKind; ++kind)
    if (EventName(static_cast<EventKind>(kind)) == name) return static_cast<EventKind>(kind);
  const int64_t number = GetInt(line, "number");
  if (number <= kLastKind || number > UINT16_MAX) return std::nullopt;
  return static_cast<EventKind>(number);
}

uint32_t Number32(const Json& line, const char* key) {
  const int64_t number = GetInt(line, key);
  return number < 0 || number > UINT32_MAX ? 0 : static_cast<uint32_t>(number);
}

uint64_t Number64(const Json& line, const char* key) {
  const Json& member = GetMember(line, key);
  return member.is_number_unsigned() ? member.get<uint64_t>()
                                     : static_cast<uint64_t>(GetInt(line, key));
}

Json OwnMembers(const Json& line) {
  Json value = Json::object();
  for (const auto& [name, member] : line.items())
    if (std::find(std::begin(kCommonMembers), std::end(kCommonMembers), name) ==
        std::end(kCommonMembers))
      value[name] = member;
  return value;
}

// The way back of a fault's or a connection's line: its key is `key`, the rest its value.
void AddNumbered(const Json& line, const char* key, NewEvent& event) {
  event.id = Number64(line, "number");
  event.key = GetString(line, key);
  event.value = OwnMembers(line);
  event.value.erase("number");
  event.value.erase(key);
}

Json WireValue(const Json& line) {
  if (const Json& close = GetMember(line, "close"); !close.is_null()) return close;
  const Json& text = GetMember(line, "bytes");
  const std::optional<std::string> bytes =
      text.is_string() ? DecodeBase64(text.get<std::string>()) : std::nullopt;
  if (!bytes) return text;
  return Json::binary(std::vector<uint8_t>(bytes->begin(), bytes->end()));
}

// The lines of one attempt, on their way to be a history.
class Attempt {
 public:
  explicit Attempt(TrialLabel label) : label_(std::move(label)) {}

  // Whether a line of this time is of a later attempt: the trial is over, and time goes back.
  bool IsBefore(int64_t time) const { return ended_ && time < last_; }

  void Add(EventKind kind, Json line) {
    for (const char* member : {"task", "parent", "from", "target"})
      Reserve(GetMember(line, member));
    ended_ |= kind == EventKind::kExit;
    last_ = GetInt(line, "t");
    lines_.emplace_back(kind, std::move(line));
  }

  // Nothing when the events are no history after all.
  std::optional<LabelledHistory> Finish(const std::string& damage) {
    std::vector<NewEvent> events;
    for (const auto& [kind, line] : lines_) events.push_back(ToEvent(kind, line));
    Result<History> history = History::Parse(EncodeHistory(0, events, {.damage = damage}));
    if (!history.ok()) return std::nullopt;
    return LabelledHistory{.label = std::move(label_), .history = *std::move(history)};
  }

 private:
  // "#7" is task 7 of whose start nothing is known; a path may have any other number.
  static std::optional<uint32_t> PlainNumber(const std::string& name) {
    if (!name.starts_with('#')) return std::nullopt;
    const std::optional<uint64_t> number = ParseUnsigned(name.substr(1));
    if (!number || *number == 0 || *number > UINT32_MAX) return std::nullopt;
    return static_cast<uint32_t>(*number);
  }
  void Reserve(const Json& name) {
    if (!name.is_string()) return;
    if (const auto number = PlainNumber(name.get<std::string>())) taken_.insert(*number);
  }
  uint32_t TaskOf(const Json& line, const char* member) {
    const std::string name = GetString(line, member);
    if (name.empty()) return 0;
    if (const auto number = PlainNumber(name)) return *number;
    const auto [known, is_new] = numbers_.try_emplace(name, 0);
    if (!is_new) return known->second;
    while (taken_.contains(next_)) ++next_;
    return known->second = next_++;
  }

  NewEvent ToEvent(EventKind kind, const Json& line) {
    NewEvent event{.kind = kind,
                   .time = std::max<int64_t>(0, GetInt(line, "t")),
                   .key = "",
                   .value = nullptr,
                   .task = TaskOf(line, "task"),
                   .id = 0,
                   .process = Number32(line, "process"),
                   .thread = Number32(line, "thread")};
    AddMembers(line, event);
    return event;
  }

  // The way back of EventToJson.
  void AddMembers(const Json& line, NewEvent& event) {
    const auto take = [&](const char* key, const char* value) {
      event.key = GetString(line, key);
      if (value != nullptr) event.value = GetMember(line, value);
    };
    switch (event.kind) {
      case EventKind::kInvoke:
      case EventKind::kOk:
      case EventKind::kFail:
      case EventKind::kInfo:
        event.id = Number64(line, "id");
        return take("op", "value");
      case EventKind::kBegin:
        event.value = GetMember(line, "value");
        return;
      case EventKind::kEnd:
      case EventKind::kTaskEnd:
        return take("state", "error");
      case EventKind::kObserve:
        return take("key", "value");
      case EventKind::kOutcome:
        return take("name", nullptr);
      case EventKind::kMetric:
        take("name", "value");
        if (const Json& unit = GetMember(line, "unit"); !unit.is_null())
          event.value = Json::array({event.value, unit});
        return;
      case EventKind::kWarning:
        return take("category", "value");
      case EventKind::kTaskStart:
        event.key = GetString(line, "task");
        event.value = GetMember(line, "name");
        event.id = TaskOf(line, "parent");
        return;
      case EventKind::kSwitch:
        event.id = TaskOf(line, "from");
        return;
      case EventKind::kWait:
      case EventKind::kWake:
      case EventKind::kDeadline:
        event.id = Number64(line, "ordinal");
        take("kind", "value");
        if (event.kind == EventKind::kWait && event.key == "join" && event.value.is_string())
          event.value = TaskOf(line, "value");
        return;
      case EventKind::kProcess:
        event.id = Number64(line, "parent");
        event.value = GetMember(line, "value");
        return;
      case EventKind::kException:
        return take("where", "error");
      case EventKind::kCensus:
        return take("kind", "value");
      case EventKind::kExit:
      case EventKind::kHold:
        return take("state", "value");
      case EventKind::kUsage:
        return take("what", "value");
      case EventKind::kSync:
        event.id = Number64(line, "object");
        return take("action", "value");
      case EventKind::kJoin:
      case EventKind::kCancel:
        event.id = TaskOf(line, "target");
        return;
      case EventKind::kSocket:
        event.value = OwnMembers(line);
        return;
      case EventKind::kFault:
      case EventKind::kConnection:
        return AddNumbered(line, event.kind == EventKind::kFault ? "name" : "action", event);
      case EventKind::kWire:
        event.id = Number64(line, "number");
        event.key = GetString(line, "side") + " " + GetString(line, "direction");
        event.value = WireValue(line);
        return;
    }
    event.id = Number64(line, "id");
    take("key", "value");
  }

  TrialLabel label_;
  bool ended_ = false;
  int64_t last_ = 0;
  std::vector<std::pair<EventKind, Json>> lines_;
  std::set<uint32_t> taken_;
  std::map<std::string, uint32_t> numbers_;
  uint32_t next_ = 1;
};

class Reader {
 public:
  void Read(std::string_view text) {
    for (size_t begin = 0; begin < text.size(); ++number_) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      ReadLine(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  std::vector<LabelledHistory> Finish() {
    if (damaged_ > 1) damage_ += ", and " + std::to_string(damaged_ - 1) + " more";
    std::vector<LabelledHistory> histories;
    for (Attempt& attempt : attempts_)
      if (auto history = attempt.Finish(damage_)) histories.push_back(*std::move(history));
    return histories;
  }

 private:
  void ReadLine(std::string_view line) {
    if (Trim(line).empty()) return;
    Result<Json> json = ParseJson(line, "");
    const std::optional<EventKind> kind = json.ok() ? KindOf(*json) : std::nullopt;
    if (kind && GetMember(*json, "t").is_number_integer())
      return AttemptOf(*json).Add(*kind, *std::move(json));
    if (damaged_++ == 0) damage_ = "line " + std::to_string(number_) + " is no event";
  }

  Attempt& AttemptOf(const Json& line) {
    const std::string cell = GetString(line, "cell");
    const int64_t trial = GetInt(line, "trial");
    const std::string key = cell + '\n' + std::to_string(trial);
    const auto [open, is_new] = open_.try_emplace(key, attempts_.size());
    if (!is_new && !attempts_[open->second].IsBefore(GetInt(line, "t")))
      return attempts_[open->second];
    open->second = attempts_.size();
    attempts_.emplace_back(TrialLabel{.cell = cell,
                                      .scenario = GetString(line, "scenario"),
                                      .runtime = GetString(line, "runtime"),
                                      .interpreter = GetString(line, "interpreter"),
                                      .trial = trial});
    return attempts_.back();
  }

  std::vector<Attempt> attempts_;
  std::map<std::string, size_t> open_;  // the attempt that takes a trial's next line
  size_t number_ = 1;
  size_t damaged_ = 0;
  std::string damage_;
};

}  // namespace

bool IsHistoryLines(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return false;
  const size_t end = std::min(text.find('\n', begin), text.size());
  const Result<Json> line = ParseJson(text.substr(begin, end - begin), "");
  return line.ok() && KindOf(*line) && GetMember(*line, "t").is_number_integer();
}

std::vector<LabelledHistory> ReadHistoryLines(std::string_view text) {
  Reader reader;
  reader.Read(text);
  return reader.Finish();
}

}  // namespace trireme
