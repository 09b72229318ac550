#include "harness/history/writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <string_view>

#include "harness/base/base64.h"
#include "harness/base/check.h"
#include "harness/base/strings.h"
#include "harness/base/unique_fd.h"
#include "harness/history/event_journal.h"
#include "harness/history/packing.h"

namespace trireme {
namespace {

Status WriteAll(int fd, const char* bytes, size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t written = ::write(fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoError("cannot write " + path, errno);
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return Done{};
}

trireme_header NewHeader(int64_t begin_time) {
  trireme_header header{};
  std::memcpy(header.magic, TRIREME_HISTORY_MAGIC, sizeof(header.magic));
  header.version = TRIREME_HISTORY_VERSION;
  header.begin_time = static_cast<uint64_t>(begin_time);
  header.next_task = 1;
  header.next_operation = 1;
  return header;
}

// The chunks that the table of objects fills.
uint64_t ObjectChunks(const RecordingOptions& options) {
  const uint64_t bytes = options.objects * sizeof(trireme_object);
  return (bytes + options.chunk_size - 1) / options.chunk_size;
}

// Where the tables of a plan are. They fill one chunk, which says that it holds no records, so that who reads the
// recording passes over them whatever they hold.
struct PlanPlaces {
  uint64_t chunk = 0;  // 0: there are none
  uint64_t names = 0, rules = 0, moments = 0, connections = 0, passages = 0, listeners = 0,
           starts = 0, capacity = 0;
};

constexpr uint64_t kTableAlignment = 64;  // of a cache line

uint64_t Aligned(uint64_t offset, uint64_t unit) { return (offset + unit - 1) / unit * unit; }

uint32_t ListenersOf(const CompiledPlan& plan) {
  return plan.connections > 0 ? TRIREME_PLAN_LISTENERS : 0;
}

uint32_t StartsOf(const CompiledPlan& plan) {
  return plan.connections > 0 ? TRIREME_PLAN_STARTS : 0;
}

PlanPlaces PlacesOf(const RecordingOptions& options) {
  const CompiledPlan& plan = options.plan;
  if (plan.empty()) return {};
  PlanPlaces places;
  places.chunk = TRIREME_HEADER_SIZE + ObjectChunks(options) * options.chunk_size;
  places.names = Aligned(places.chunk + sizeof(trireme_chunk), kTableAlignment);
  const uint64_t names_end = places.names + plan.names.size() * TRIREME_FAULT_NAME;
  places.rules = Aligned(names_end, kTableAlignment);
  const uint64_t rules_end = places.rules + plan.rules.size() * sizeof(trireme_fault_rule);
  places.moments = Aligned(rules_end, kTableAlignment);
  const uint64_t moments_end = places.moments + plan.moments.size() * sizeof(trireme_moment);
  places.connections = Aligned(moments_end, kTableAlignment);
  const uint64_t connections_end =
      places.connections + plan.connections * sizeof(trireme_connection);
  places.passages = Aligned(connections_end, kTableAlignment);
  const uint64_t passages_end = places.passages + plan.passages * sizeof(trireme_passage);
  places.listeners = Aligned(passages_end, kTableAlignment);
  const uint64_t listeners_end = places.listeners + ListenersOf(plan) * sizeof(trireme_listener);
  places.starts = Aligned(listeners_end, kTableAlignment);
  const uint64_t end = places.starts + StartsOf(plan) * sizeof(trireme_start);
  places.capacity = Aligned(end - places.chunk, options.chunk_size);
  return places;
}

trireme_plan PlanBlock(const RecordingOptions& options) {
  const PlanPlaces places = PlacesOf(options);
  trireme_plan block = options.plan.block;
  block.version = TRIREME_PLAN_VERSION;
  block.rules = static_cast<uint32_t>(options.plan.rules.size());
  block.rules_at = places.rules;
  block.connections = options.plan.connections;
  block.connections_at = places.connections;
  block.names = static_cast<uint32_t>(options.plan.names.size());
  block.names_at = places.names;
  block.passages = options.plan.passages;
  block.passages_at = places.passages;
  block.moments = static_cast<uint32_t>(options.plan.moments.size());
  block.moments_at = places.moments;
  block.listeners = ListenersOf(options.plan);
  block.listeners_at = places.listeners;
  block.starts = StartsOf(options.plan);
  block.starts_at = places.starts;
  block.next_connection = 1;
  return block;
}

void PutPlanTables(const RecordingOptions& options, char* bytes) {
  const PlanPlaces places = PlacesOf(options);
  if (places.chunk == 0) return;
  const trireme_chunk chunk{.magic = TRIREME_CHUNK_MAGIC, .capacity = places.capacity};
  std::memcpy(bytes + places.chunk, &chunk, sizeof(chunk));
  char* name_place = bytes + places.names;
  for (const std::string& name : options.plan.names) {
    std::memcpy(name_place, name.data(), std::min<size_t>(name.size(), TRIREME_FAULT_NAME - 1));
    name_place += TRIREME_FAULT_NAME;
  }
  const std::vector<trireme_fault_rule>& rules = options.plan.rules;
  if (!rules.empty())
    std::memcpy(bytes + places.rules, rules.data(), rules.size() * sizeof(trireme_fault_rule));
  const std::vector<trireme_moment>& moments = options.plan.moments;
  if (!moments.empty())
    std::memcpy(bytes + places.moments, moments.data(), moments.size() * sizeof(trireme_moment));
}

uint64_t BitsOf(const std::vector<EventKind>& kinds) {
  uint64_t bits = 0;
  for (const EventKind kind : kinds) bits |= uint64_t{1} << static_cast<int>(kind);
  return bits;
}

trireme_header RecordingHeader(const RecordingOptions& options) {
  trireme_header header = NewHeader(options.begin_time);
  header.chunk_size = options.chunk_size;
  header.recording = options.recording ? 1 : 0;
  header.objects = options.objects;
  header.hold_threshold = static_cast<uint64_t>(options.hold_threshold);
  header.usage_interval = static_cast<uint64_t>(options.usage_interval);
  header.left_out = BitsOf(options.left_out);
  header.first_port = options.ports.first;
  header.ports = options.ports.count;
  header.first_client = options.clients.first;
  header.clients = options.clients.count;
  header.next_chunk = ObjectChunks(options) + PlacesOf(options).capacity / options.chunk_size;
  header.allocated = options.chunks + header.next_chunk;
  header.max_chunks = std::max<uint64_t>(options.max_bytes / options.chunk_size, options.chunks) +
                      header.next_chunk;
  if (options.plan.empty()) return header;
  static_assert(sizeof(trireme_plan) <= sizeof(header.plan));
  const trireme_plan block = PlanBlock(options);
  header.plan_size = sizeof(block);
  std::memcpy(header.plan, &block, sizeof(block));
  return header;
}

// Zeros, not fallocate: see Back() in the probe.
Status FillRecording(int fd, const std::string& path, const RecordingOptions& options) {
  const trireme_header header = RecordingHeader(options);
  std::vector<char> bytes(TRIREME_HEADER_SIZE + size_t{options.chunk_size} * header.allocated);
  std::memcpy(bytes.data(), &header, sizeof(header));
  PutPlanTables(options, bytes.data());
  return WriteAll(fd, bytes.data(), bytes.size(), path);
}

bool IsBroken(const std::string& text) { return ToValidUtf8(text) != text; }

bool NeedsMarks(const Json& value) {
  if (value.is_number_float()) return !std::isfinite(value.get<double>());
  if (value.is_string()) return IsBroken(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value.is_binary();
  if (HasMarkedName(value)) return true;
  return std::any_of(value.begin(), value.end(), NeedsMarks);
}

std::string BytesOf(const Json& binary) {
  const auto& bytes = binary.get_binary();
  return {bytes.begin(), bytes.end()};
}

bool IsDigits(const Json& binary) { return binary.get_binary().has_subtype(); }

Json Marked(Json value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return IsBroken(text) ? "r" + EncodeBase64(text) : "t" + text;
  }
  if (value.is_binary())
    return IsDigits(value) ? "i" + BytesOf(value) : "b" + EncodeBase64(BytesOf(value));
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::isfinite(number)) return value;
    return std::isnan(number) ? "fNaN" : number > 0 ? "fInfinity" : "f-Infinity";
  }
  if (value.is_structured())
    for (Json& member : value) member = Marked(std::move(member));
  return value;
}

// The value as the recorder would write it; what is exact as Event::ExactValue() has it.
std::string EncodeValue(const Json& value, ValueType* type) {
  const auto pack = [](auto number) {
    return std::string(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  *type = ValueType::kJson;
  if (value.is_null()) return *type = ValueType::kNone, "";
  if (value.is_boolean()) return *type = ValueType::kBool, pack(int64_t{value.get<bool>() ? 1 : 0});
  if (value.is_string()) return *type = ValueType::kText, value.get<std::string>();
  if (value.is_binary()) {
    return *type = IsDigits(value) ? ValueType::kDigits : ValueType::kBytes, BytesOf(value);
  }
  if (value.is_number_float()) return *type = ValueType::kDouble, pack(value.get<double>());
  const bool fits = !value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t{INT64_MAX};
  if (value.is_number_integer() && fits) return *type = ValueType::kInt, pack(value.get<int64_t>());
  if (NeedsMarks(value)) return *type = ValueType::kMarked, DumpJson(Marked(value));
  return DumpJson(value);
}

std::string EncodeRecord(const NewEvent& event) {
  ValueType type{};
  const std::string value = EncodeValue(event.value, &type);
  const size_t size = (sizeof(trireme_record) + event.key.size() + value.size() + 7) & ~size_t{7};
  TRIREME_CHECK(size <= UINT32_MAX);
  const trireme_record record{.size = static_cast<uint32_t>(size),
                              .kind = static_cast<uint16_t>(event.kind),
                              .type = static_cast<uint16_t>(type),
                              .time = static_cast<uint64_t>(event.time),
                              .task = event.task,
                              .thread = event.thread,
                              .id = event.id,
                              .key_size = static_cast<uint32_t>(event.key.size()),
                              .value_size = static_cast<uint32_t>(value.size())};
  std::string out(reinterpret_cast<const char*>(&record), sizeof(record));
  out += event.key;
  out += value;
  out.resize(size);
  return out;
}

// Not synced: what ends a process, or all of them, loses nothing that was written; a sync costs
// more than a trial.
Status WriteWhole(const std::string& path, const std::vector<char>& bytes) {
  const std::string temporary = path + ".part";
  const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd.valid()) return ErrnoError("cannot create " + temporary, errno);
  Status status = WriteAll(fd.get(), bytes.data(), bytes.size(), temporary);
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrnoError("cannot replace " + path, errno);
  }
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

}  // namespace

void AppendEvents(const std::vector<NewEvent>& events, std::vector<char>* out) {
  for (size_t i = 0; i < events.size();) {
    const uint32_t process = events[i].process;
    std::string records;
    int64_t newest = 0;
    for (; i < events.size() && events[i].process == process; ++i) {
      records += EncodeRecord(events[i]);
      newest = std::max(newest, events[i].time);
    }
    AppendChunk(process, records, static_cast<uint64_t>(newest), out);
  }
}

Status CreateRecording(const std::string& path, const RecordingOptions& options) {
  TRIREME_CHECK(options.chunk_size >= TRIREME_HEADER_SIZE &&
                options.chunk_size % TRIREME_HEADER_SIZE == 0);
  TRIREME_CHECK((options.plan.connections & (options.plan.connections - 1)) == 0);
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd.valid()) return ErrnoError("cannot create " + path, errno);
  Status status = FillRecording(fd.get(), path, options);
  if (!status.ok()) ::unlink(path.c_str());
  return status;
}

Status LeaveOut(const std::string& path, const std::vector<EventKind>& kinds) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoError("cannot open " + path, errno);
  const uint64_t bits = BitsOf(kinds);
  if (::pwrite(fd.get(), &bits, sizeof(bits), offsetof(trireme_header, left_out)) != sizeof(bits))
    return ErrnoError("cannot write " + path, errno);
  return Done{};
}

int64_t NewestEventTime(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return 0;
  const FileSource source(fd.get());
  const Result<trireme_header> header = ReadHeader(source);
  if (!header.ok()) return 0;
  int64_t newest = 0;
  uint64_t offset = TRIREME_HEADER_SIZE;
  // The file may be larger than what was claimed of it by far: see Recording::GrowAhead of the probe.
  const uint64_t end = header->sealed != 0 || header->next_chunk > header->max_chunks
                           ? source.Size()
                           : TRIREME_HEADER_SIZE + header->next_chunk * header->chunk_size;
  trireme_chunk chunk{};
  while (offset < end &&
         source.ReadAt(offset, reinterpret_cast<char*>(&chunk), sizeof(chunk))) {
    const bool holds = chunk.magic == TRIREME_CHUNK_MAGIC;
    if (header->sealed != 0 && (!holds || chunk.capacity == 0)) break;
    if (holds) newest = std::max(newest, static_cast<int64_t>(chunk.newest));
    const bool spans = holds && chunk.capacity != 0 && chunk.capacity <= source.Size();
    offset += spans ? chunk.capacity : header->chunk_size;
  }
  return newest;
}

Status SealRecording(const std::string& path, const std::string& sealed_path,
                     const std::vector<NewEvent>& added, HarnessPart harness) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return ErrnoError("cannot open " + path, errno);
  const FileSource source(fd.get());
  Result<trireme_header> header = ReadHeader(source);
  if (!header.ok()) {
    Diagnostic error = std::move(header).error();
    error.file = path;
    return error;
  }
  if (header->sealed != 0) return InfrastructureError(path + " is sealed already");
  std::vector<char> bytes = PackRecording(source, *header);
  if (harness == HarnessPart::kInJournal) AppendJournal(path, &bytes);
  AppendEvents(added, &bytes);
  AddChecksum(&bytes);
  TRIREME_RETURN_IF_ERROR(WriteWhole(sealed_path, bytes));
  trireme_header packed{};
  std::memcpy(&packed, bytes.data(), sizeof(packed));
  const bool whole = packed.damage_size == 0;
  if (whole ? ::unlink(path.c_str()) != 0
            : ::rename(path.c_str(), (path + ".damaged").c_str()) != 0) {
    return ErrnoError("cannot remove " + path, errno);
  }
  return Done{};
}

std::string EncodeHistory(int64_t begin_time, const std::vector<NewEvent>& events,
                          const HistoryFacts& facts) {
  trireme_header header = NewHeader(begin_time);
  header.sealed = 1;
  header.hold_threshold = static_cast<uint64_t>(facts.hold_threshold);
  header.usage_interval = static_cast<uint64_t>(facts.usage_interval);
  header.lost = facts.lost;
  header.damage_size = static_cast<uint32_t>(std::min(facts.damage.size(), sizeof(header.damage)));
  std::memcpy(header.damage, facts.damage.data(), header.damage_size);
  std::vector<char> bytes(TRIREME_HEADER_SIZE);
  std::memcpy(bytes.data(), &header, sizeof(header));
  AppendEvents(events, &bytes);
  AddChecksum(&bytes);
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace trireme
