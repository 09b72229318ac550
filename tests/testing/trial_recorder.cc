#include "tests/testing/trial_recorder.h"

#include <dlfcn.h>

#include "harness/probe/probe_abi.h"

namespace trireme {
namespace {

const trireme_probe_api* Probe() {
  static const trireme_probe_api* const api = [] {
    using Function = const trireme_probe_api* (*)(uint32_t);
    void* symbol = ::dlsym(RTLD_DEFAULT, "trireme_probe");
    return symbol == nullptr ? nullptr : reinterpret_cast<Function>(symbol)(TRIREME_PROBE_ABI);
  }();
  return api;
}

void Record(uint16_t kind, uint64_t id, const std::string& key, uint16_t type, const void* value,
            size_t size) {
  if (Probe() == nullptr) return;
  Probe()->record(kind, id, key.data(), static_cast<uint32_t>(key.size()), type, value,
                  static_cast<uint32_t>(size));
}

}  // namespace

void AttachRecorder(const std::string& history) {
  if (Probe() == nullptr) return;
  Probe()->attach(history.c_str());
  const uint32_t task = Probe()->new_task();
  Probe()->set_task(task);
  Probe()->record_for(task, TRIREME_TASK_START, 0, "1", 1, TRIREME_TEXT, "main", 4);
}

void RecordBegin(const Json& trial) {
  const std::string value = DumpJson({{"seed", GetString(trial, "seed")},
                                      {"inputs", GetString(trial, "inputs")},
                                      {"params", GetMember(trial, "params")}});
  Record(TRIREME_BEGIN, 0, "", TRIREME_JSON, value.data(), value.size());
}

void RecordOperation(const std::string& name, int64_t value) {
  if (Probe() == nullptr) return;
  const uint64_t id = Probe()->new_operation();
  Record(TRIREME_INVOKE, id, name, TRIREME_INT, &value, sizeof(value));
  Record(TRIREME_OK, id, name, TRIREME_INT, &value, sizeof(value));
}

void RecordEnd() { Record(TRIREME_END, 0, "returned", TRIREME_NONE, nullptr, 0); }

}  // namespace trireme
