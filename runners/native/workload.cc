#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>

#include "harness/base/strings.h"
#include "harness/protocol/runtimes.h"
#include "runners/native/native.h"
#include "runners/native/zygote.h"
#include "runners/sdk/trial.h"

namespace trireme {
namespace {

// A compiled workload, and the runtime that its trials run on.
class Workload final : public Payload {
 public:
  Workload(const RuntimeInfo& runtime, const WorkloadEntry& entry)
      : runtime_(runtime), entry_(entry) {}

  Json Environment() const override {
    return {{"runtime", std::string(runtime_.name)},
            {"model", std::string(runtime_.model)},
            {"interpreter", nullptr},
            {"patched", false},
            {"hub", nullptr},
            {"backend", std::string(runtime_.summary)},
            {"gil", nullptr},
            {"versions", {{"compiler", __VERSION__}}}};
  }

  void Run(const Json& trial) override {
    Backend& backend =
        *NewBackend(runtime_.name).release();  // tasks that outlive main still run on it
    const TrialOptions options = {.seed = ParseUnsigned(GetString(trial, "seed")).value_or(0),
                                  .inputs = ParseUnsigned(GetString(trial, "inputs")).value_or(0),
                                  .params = GetMember(trial, "params"),
                                  .environment = Environment()};
    RunTrial(backend, options, entry_.main);
  }

 private:
  const RuntimeInfo& runtime_;
  const WorkloadEntry& entry_;
};

Loaded Refuse(const char* reason, std::string message) {
  return {.payload = nullptr, .refusal = {.reason = reason, .message = std::move(message)}};
}

}  // namespace

Loaded LoadWorkload(const Json& load) {
  const RuntimeInfo* runtime = FindRuntime(GetString(load, "runtime"));
  if (runtime == nullptr || NewBackend(runtime->name) == nullptr)
    return Refuse("unsupported",
                  "no C++ runtime '" + GetString(load, "runtime") + "' in this build");
  const std::string path = GetString(load, "workload");
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) return Refuse("import", ::dlerror());
  using Entry = const WorkloadEntry* (*)();
  const auto entry = reinterpret_cast<Entry>(::dlsym(object, "trireme_workload"));
  if (entry == nullptr) return Refuse("no-main", path + " has no TRIREME_WORKLOAD(Main)");
  if (entry()->abi != kWorkloadAbi)
    return Refuse("import", path + " was compiled for another version of trireme/workload.h");
  return {.payload = std::make_unique<Workload>(*runtime, *entry())};
}

}  // namespace trireme
