#include "runners/sdk/probe.h"

#include <dlfcn.h>
#include <time.h>

#include <atomic>

namespace trireme {
namespace {

std::atomic<uint32_t> last_task{0};
std::atomic<uint64_t> last_operation{0};
thread_local uint32_t current_task = 0;

// A program that was not preloaded still runs its workload; nothing of it is kept.
const trireme_probe_api kAbsent = {
    .version = TRIREME_PROBE_ABI,
    .size = sizeof(trireme_probe_api),
    .attach = [](const char*) { return 0; },
    .record = [](uint16_t, uint64_t, const char*, uint32_t, uint16_t, const void*, uint32_t) {},
    .record_for = [](uint32_t, uint16_t, uint64_t, const char*, uint32_t, uint16_t, const void*,
                     uint32_t) {},
    .new_task = [] { return ++last_task; },
    .new_operation = [] { return ++last_operation; },
    .current_task = [] { return current_task; },
    .set_task = [](uint32_t task) { current_task = task; },
    .attached = [] { return 0; },
    .plan = [](uint32_t*) -> const uint8_t* { return nullptr; },
    .now = [] { return static_cast<uint64_t>(ShownNow()); },
    .wait_for = [](int, int) {},
    .unwind = [] {},
    .loop_waits = [](int) {},
    .point = [](const char*, const char*, uint64_t) { return 0; },
    .call_fails = [](int) { return 0; },
    .set_stack_source = [](uint64_t (*)(uint32_t, char*, uint64_t)) {},
    .serve = [](uint32_t) {},
};

const trireme_probe_api* Find() {
  using Entry = const trireme_probe_api* (*)(uint32_t);
  const auto entry = reinterpret_cast<Entry>(::dlsym(RTLD_DEFAULT, "trireme_probe"));
  const trireme_probe_api* api = entry == nullptr ? nullptr : entry(TRIREME_PROBE_ABI);
  return api == nullptr ? &kAbsent : api;
}

struct Payload {
  const void* data;
  size_t size;
};

Payload PayloadOf(const Value& value, int64_t& integer, double& number) {
  switch (value.type()) {
    case Value::Type::kInt:
    case Value::Type::kBool:
      integer = value.integer();
      return {&integer, sizeof(integer)};
    case Value::Type::kDouble:
      number = value.number();
      return {&number, sizeof(number)};
    default:
      return {value.text().data(), value.text().size()};
  }
}

}  // namespace

namespace internal {
const trireme_probe_api* current_probe = Find();
}

int64_t ShownNow() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void ReplaceProbe(const trireme_probe_api& api) { internal::current_probe = &api; }

void Record(trireme_event kind, uint64_t id, std::string_view key, const Value& value) {
  int64_t integer = 0;
  double number = 0;
  const Payload payload = PayloadOf(value, integer, number);
  Probe().record(static_cast<uint16_t>(kind), id, key.data(), static_cast<uint32_t>(key.size()),
                 static_cast<uint16_t>(value.type()), payload.data,
                 static_cast<uint32_t>(payload.size));
}

void RecordFor(uint32_t task, trireme_event kind, uint64_t id, std::string_view key,
               const Value& value) {
  int64_t integer = 0;
  double number = 0;
  const Payload payload = PayloadOf(value, integer, number);
  Probe().record_for(task, static_cast<uint16_t>(kind), id, key.data(),
                     static_cast<uint32_t>(key.size()), static_cast<uint16_t>(value.type()),
                     payload.data, static_cast<uint32_t>(payload.size));
}

}  // namespace trireme
