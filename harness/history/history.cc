#include "harness/history/history.h"

#include <fcntl.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

#include "harness/base/base64.h"
#include "harness/base/strings.h"
#include "harness/base/unique_fd.h"
#include "harness/history/event_journal.h"
#include "harness/history/packing.h"

namespace trireme {
namespace {

template <typename T>
T Load(std::string_view bytes, size_t offset = 0) {
  T value{};
  if (offset <= bytes.size() && bytes.size() - offset >= sizeof(T))
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

Json FromDouble(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

Json FromJsonText(std::string_view raw) {
  std::string text = ToValidUtf8(raw);
  Result<Json> parsed = ParseJson(text, "value");
  return parsed.ok() ? *std::move(parsed) : Json(std::move(text));
}

Json Binary(std::string_view bytes) { return Json::binary({bytes.begin(), bytes.end()}); }

Json Digits(std::string_view digits) {
  return Json::binary({digits.begin(), digits.end()}, kDigitsSubtype);
}

// As the workload's language shows a lone surrogate, \udc80.
std::string EscapeSurrogates(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto bits = [&](size_t k) { return static_cast<unsigned>(text[i + k]) & 0x3FU; };
    const bool surrogate = i + 2 < text.size() && text[i] == '\xED' && bits(1) >= 0x20 &&
                           (text[i + 1] & 0xC0) == 0x80 && (text[i + 2] & 0xC0) == 0x80;
    if (!surrogate) {
      out += text[i];
      continue;
    }
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\ud%03x", ((bits(1) << 6) | bits(2)) & 0xFFFU);
    out += escape;
    i += 2;
  }
  return out;
}

std::string PrintableText(std::string_view text) { return ToValidUtf8(EscapeSurrogates(text)); }

// Of TRIREME_MARKED. What no recorder writes is kept as the text that it is.
Json Unmarked(const std::string& text) {
  const std::string rest = text.substr(std::min<size_t>(1, text.size()));
  if (text.starts_with('t')) return rest;
  if (text.starts_with('i')) return Digits(rest);
  if (text == "fNaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "fInfinity") return HUGE_VAL;
  if (text == "f-Infinity") return -HUGE_VAL;
  if (text.starts_with('b') || text.starts_with('r')) {
    const std::optional<std::string> bytes = DecodeBase64(rest);
    if (bytes) return text.starts_with('b') ? Binary(*bytes) : Json(*bytes);
  }
  return text;
}

// The value with each part that has none in it replaced; ParseJson() bounds the depth.
template <typename Replace>
Json Replaced(Json value, const Replace& replace) {
  if (!value.is_structured()) return replace(value);
  for (Json& member : value) member = Replaced(std::move(member), replace);
  return value;
}

Json WithPrintableNames(Json value) {
  if (!value.is_structured()) return value;
  for (Json& member : value) member = WithPrintableNames(std::move(member));
  if (!HasMarkedName(value)) return value;
  Json printable = Json::object();
  for (auto& [name, member] : value.items())
    printable.emplace(PrintableName(name), std::move(member));
  return printable;
}

Json FromMarkedText(std::string_view raw) {
  return Replaced(FromJsonText(raw), [](const Json& part) {
    return part.is_string() ? Unmarked(part.get_ref<const std::string&>()) : part;
  });
}

Json Printable(const Json& part) {
  if (part.is_number_float()) return FromDouble(part.get<double>());
  if (part.is_string()) return PrintableText(part.get_ref<const std::string&>());
  if (!part.is_binary()) return part;
  const auto& binary = part.get_binary();
  std::string bytes(binary.begin(), binary.end());
  return binary.has_subtype() ? Json(ToValidUtf8(bytes)) : Json(EncodeBase64(bytes));
}

OperationState StateAfter(EventKind kind) {
  if (kind == EventKind::kOk) return OperationState::kOk;
  return kind == EventKind::kFail ? OperationState::kFail : OperationState::kInfo;
}

// Keeps the events of one thread in the order in which they were written even where a damaged or
// foreign file has times that decrease. (The recorder's increase, so that a thread may go on in an
// earlier chunk.)
void MendTimes(std::span<Event> chunk) {
  std::unordered_map<uint32_t, int64_t> newest;
  for (Event& event : chunk) {
    int64_t& time = newest.try_emplace(event.thread, event.time).first->second;
    time = event.time = std::max(time, event.time);
  }
}

Result<std::vector<char>> ReadAll(const Source& source, const trireme_header& header) {
  if (header.sealed == 0) return PackRecording(source, header);
  std::vector<char> bytes(source.Size());
  if (!source.ReadAt(0, bytes.data(), bytes.size())) return ErrnoError("cannot read", errno);
  return bytes;
}

}  // namespace

std::string_view EventName(EventKind kind) {
  static constexpr std::string_view kNames[] = {
      "unknown", "begin",  "end",     "invoke",     "ok",       "fail",    "info",   "observe",
      "outcome", "metric", "warning", "task-start", "task-end", "switch",  "socket", "fault",
      "wait",    "wake",   "process", "exception",  "census",   "exit",    "join",   "cancel",
      "sync",    "hold",   "usage",   "connection", "wire",     "deadline"};
  const auto number = static_cast<size_t>(kind);
  return number < std::size(kNames) ? kNames[number] : kNames[0];
}

Json Event::Value() const {
  if (type == ValueType::kJson) return FromJsonText(raw);
  if (type == ValueType::kBytes) return EncodeBase64(raw);
  Json printable = Replaced(ExactValue(), Printable);
  return type == ValueType::kMarked ? WithPrintableNames(std::move(printable)) : printable;
}

bool HasMarkedName(const Json& value) {
  if (!value.is_object()) return false;
  for (const auto& [name, member] : value.items())
    if (name.starts_with('\0')) return true;
  return false;
}

std::string PrintableName(const std::string& name) {
  if (!name.starts_with('\0') || name.size() < 2) return name;
  const std::string rest = name.substr(2);
  if (name[1] == 'n' || name[1] == 't') return rest;
  const std::optional<std::string> bytes = name[1] == 'r' ? DecodeBase64(rest) : std::nullopt;
  return bytes ? PrintableText(*bytes) : name;
}

Json Event::ExactValue() const {
  switch (type) {
    case ValueType::kNone:
      return nullptr;
    case ValueType::kInt:
      return Load<int64_t>(raw);
    case ValueType::kBool:
      return Load<int64_t>(raw) != 0;
    case ValueType::kDouble:
      return Load<double>(raw);
    case ValueType::kText:
      return std::string(raw);
    case ValueType::kJson:
      return FromJsonText(raw);
    case ValueType::kDigits:
      return Digits(raw);
    case ValueType::kMarked:
      return FromMarkedText(raw);
    case ValueType::kBytes:
      break;
  }
  return Binary(raw);
}

Result<History> History::Read(const std::string& path, const StopRequest& stop) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return ErrnoError("cannot open " + path, errno);
  const FileSource source(fd.get());
  Result<trireme_header> header = ReadHeader(source);
  Result<std::vector<char>> bytes =
      header.ok() ? ReadAll(source, *header) : std::move(header).error();
  if (bytes.ok() && header->sealed == 0) AppendJournal(path, &*bytes);
  if (bytes.ok()) return Decode(*std::move(bytes), stop);
  Diagnostic error = std::move(bytes).error();
  error.file = path;
  return error;
}

Result<History> History::Parse(std::string bytes) {
  const MemorySource source(bytes);
  TRIREME_ASSIGN_OR_RETURN(const trireme_header header, ReadHeader(source));
  TRIREME_ASSIGN_OR_RETURN(std::vector<char> sealed, ReadAll(source, header));
  return Decode(std::move(sealed), nullptr);
}

// REQUIRES: `bytes` begin with a header that ReadHeader() took.
Result<History> History::Decode(std::vector<char> bytes, const StopRequest& stop) {
  History history;
  history.bytes_ = std::move(bytes);
  const std::string_view all(history.bytes_.data(), history.bytes_.size());
  const auto header = Load<trireme_header>(all);
  history.begin_time_ = static_cast<int64_t>(header.begin_time);
  history.lost_ = header.lost;
  history.unseen_ = header.unseen;
  history.hold_threshold_ = static_cast<int64_t>(header.hold_threshold);
  history.usage_interval_ = static_cast<int64_t>(header.usage_interval);
  history.lost_errno_ = static_cast<int>(header.lost_errno);
  history.damage_ =
      ToValidUtf8({header.damage, std::min<size_t>(header.damage_size, sizeof(header.damage))});
  Damage damage;
  size_t offset = TRIREME_HEADER_SIZE;
  while (offset < all.size()) {
    if (IsStopped(stop)) return InfrastructureError("it was stopped while its history was read");
    const auto chunk = Load<trireme_chunk>(all, offset);
    const size_t left = all.size() - offset;
    if (chunk.magic != TRIREME_CHUNK_MAGIC || left < sizeof(chunk)) {
      damage.Add(offset, "no chunk begins here, and what follows cannot be read");
      break;
    }
    const std::string_view records = all.substr(offset + sizeof(chunk), chunk.used);
    const size_t whole = WholeRecords(records);
    if (whole < chunk.used) damage.Add(offset + sizeof(chunk) + whole, "no record begins here");
    const size_t first = history.events_.size();
    history.AddChunk(chunk.process, records.substr(0, whole));
    MendTimes(std::span(history.events_).subspan(first));
    offset += sizeof(chunk) + std::min<uint64_t>(chunk.used, left - sizeof(chunk));
  }
  if (history.damage_.empty()) history.damage_ = damage.Text();
  if (history.damage_.empty() && !MatchesChecksum(&history.bytes_))
    history.damage_ = "the file is not as it was written: its checksum is another";
  history.Merge();
  return history;
}

// Adds the events of one chunk, in their order. REQUIRES: `records` are whole.
void History::AddChunk(uint32_t process, std::string_view records) {
  while (!records.empty()) {
    const auto record = Load<trireme_record>(records);
    events_.push_back(
        {.kind = static_cast<EventKind>(record.kind),
         .type = static_cast<ValueType>(record.type),
         .time = static_cast<int64_t>(record.time - static_cast<uint64_t>(begin_time_)),
         .process = process,
         .thread = record.thread,
         .task = record.task,
         .id = record.id,
         .key = records.substr(sizeof(record), record.key_size),
         .raw = records.substr(sizeof(record) + record.key_size, record.value_size)});
    records.remove_prefix(record.size);
  }
}

// By time; events of equal time in the order of their chunks.
void History::Merge() {
  std::stable_sort(events_.begin(), events_.end(),
                   [](const Event& a, const Event& b) { return a.time < b.time; });
  for (const Event& event : events_) {
    if (event.kind == EventKind::kTaskStart) AddTask(event);
  }
}

void History::AddTask(const Event& event) {
  tasks_.try_emplace(event.task,
                     Task{.number = event.task,
                          .parent = static_cast<uint32_t>(event.id),
                          .path = ToValidUtf8(event.key),
                          .name = PrintableText(event.type == ValueType::kText ? event.raw : "")});
}

const Task* History::FindTask(uint32_t number) const {
  const auto found = tasks_.find(number);
  return found == tasks_.end() ? nullptr : &found->second;
}

std::vector<Operation> History::Operations() const {
  std::vector<Operation> operations;
  std::unordered_map<uint64_t, size_t> open;
  for (const Event& event : events_) {
    if (event.kind == EventKind::kInvoke) {
      open[event.id] = operations.size();
      operations.push_back({.id = event.id,
                            .name = ToValidUtf8(event.key),
                            .task = event.task,
                            .begin = event.time,
                            .end = INT64_MAX,
                            .value = event.Value()});
    } else if (event.kind == EventKind::kOk || event.kind == EventKind::kFail ||
               event.kind == EventKind::kInfo) {
      const auto found = open.find(event.id);
      if (found == open.end()) continue;
      Operation& operation = operations[found->second];
      operation.end = event.time;
      operation.state = StateAfter(event.kind);
      operation.result = event.Value();
      open.erase(found);
    }
  }
  return operations;
}

}  // namespace trireme
