#include <dlfcn.h>

#include <stdexcept>

#include "harness/base/strings.h"
#include "harness/protocol/runtimes.h"
#include "runners/native/native.h"
#include "runners/native/zygote.h"
#include "runners/sdk/probe.h"
#include "runners/sdk/trial.h"

namespace trireme {
namespace {

// What the loader says, in the names of the source and without the place of the object, which nobody wrote.
std::string WhyNotLoaded(const std::string& error) {
  constexpr std::string_view kUndefined = "undefined symbol: ";
  const size_t at = error.find(kUndefined);
  if (at == std::string::npos) return error;
  return "the workload does not link: '" + DemangledSymbol(error.substr(at + kUndefined.size())) +
         "' is declared and used in workload.cc, but nowhere defined";
}

// A compiled workload, and the runtime that its trials run on.
class Workload final : public Payload {
 public:
  Workload(const RuntimeInfo& runtime, std::string path)
      : runtime_(runtime), path_(std::move(path)) {}

  // Once: in the runner, or with `isolation` `process` in the trial. Why it cannot; no reason: it
  // can.
  Refusal Load() {
    void* object = ::dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (object == nullptr) return {.reason = "import", .message = WhyNotLoaded(::dlerror())};
    using Entry = const WorkloadEntry* (*)();
    const auto entry = reinterpret_cast<Entry>(::dlsym(object, "trireme_workload"));
    if (entry == nullptr)
      return {.reason = "no-main", .message = "the workload has no TRIREME_WORKLOAD(Main)"};
    if (entry()->abi != kWorkloadAbi)
      return {.reason = "import",
              .message = path_ + " was compiled for another version of trireme/workload.h"};
    entry_ = entry();
    return {};
  }

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

  void Run(const Json& trial, const std::function<void()>& before_main) override {
    Backend& backend =
        *NewBackend(runtime_.name).release();  // tasks that outlive main still run on it
    const TrialOptions options = {.seed = ParseUnsigned(GetString(trial, "seed")).value_or(0),
                                  .inputs = ParseUnsigned(GetString(trial, "inputs")).value_or(0),
                                  .params = GetMember(trial, "params"),
                                  .environment = Environment(),
                                  .before_main = before_main};
    RunTrial(backend, options, [this](Runtime& rt, const Params& params) {
      if (entry_ == nullptr) LoadInTrial();
      return entry_->main(rt, params);
    });
  }

 private:
  // A trial that hangs here says so.
  void LoadInTrial() {
    Record(TRIREME_WAIT, 0, "load");
    const Refusal refusal = Load();
    Record(TRIREME_WAKE, 0, "load");
    if (!refusal.reason.empty()) throw std::runtime_error(refusal.message);
  }

  const RuntimeInfo& runtime_;
  const std::string path_;
  const WorkloadEntry* entry_ = nullptr;
};

}  // namespace

Loaded LoadWorkload(const Json& load) {
  const RuntimeInfo* runtime = FindRuntime(GetString(load, "runtime"));
  if (runtime == nullptr || NewBackend(runtime->name) == nullptr)
    return {.payload = nullptr,
            .refusal = {
                .reason = "unsupported",
                .message = "no C++ runtime '" + GetString(load, "runtime") + "' in this build"}};
  auto workload = std::make_unique<Workload>(*runtime, GetString(load, "workload"));
  if (GetString(load, "isolation") == "process") return {.payload = std::move(workload)};
  if (Refusal refusal = workload->Load(); !refusal.reason.empty())
    return {.payload = nullptr, .refusal = std::move(refusal)};
  return {.payload = std::move(workload)};
}

}  // namespace trireme
