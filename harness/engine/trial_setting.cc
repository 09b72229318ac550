#include "harness/engine/trial_setting.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "harness/base/check.h"
#include "harness/fault/compile.h"
#include "harness/fault/fault.h"
#include "harness/fault/sweep.h"

namespace trireme {
namespace {

constexpr int64_t kDefaultMemory = int64_t{8} << 30;

// Addresses, beyond its memory, that a trial may map: a thread reserves 8 MiB for its stack and uses some KiB of them, so
// that a limit of addresses alone would refuse the thousandth thread of a program that needs next to no memory. What is
// really used the engine watches.
constexpr int64_t kRoomForStacks = int64_t{4096} * (8 << 20);

// Sanitizers reserve terabytes of addresses, so there only what is resident can be limited.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

std::string NewName(Rng& names) {
  const uint64_t high = names.Next();
  const uint64_t low = names.Next();
  std::array<char, 40> text{};
  (void)std::snprintf(text.data(), text.size(),
                      "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-a%03" PRIx64 "-%012" PRIx64,
                      high >> 32, high >> 16 & 0xffff, high & 0xfff, low >> 52,
                      low & 0xffffffffffff);
  return text.data();
}

// `compare: {wire: ...}`: the bytes of every connection are compared, so they have to be recorded.
bool ComparesWire(const PlannedCell& cell) {
  const Json& rule = GetMember(cell.compare, "wire");
  return !rule.is_null() && rule != "ignore";
}

// What the probe does of the cell's faults in this trial.
CompiledPlan CompiledFor(const PlannedCell& cell, uint64_t seed, int64_t trial) {
  if (cell.fault_plan.is_null()) return {};
  const Result<FaultPlan> plan = FaultPlan::FromJson(cell.fault_plan);
  TRIREME_CHECK(plan.ok());
  const auto place = static_cast<size_t>(trial);
  const bool has_point = cell.sweep.is_array() && place >= 1 && place <= cell.sweep.size();
  // Where the cell does not say what its points are, this trial is to find them.
  Result<CompiledPlan> compiled =
      CompilePlan(has_point ? FaultsAtPoint(*plan, cell.sweep[place - 1]) : *plan, seed,
                  cell.sweep.is_array() ? SweepFaults::kLeftOut : SweepFaults::kNoted);
  TRIREME_CHECK(compiled.ok());
  return *std::move(compiled);
}

// The same, and what it records besides.
CompiledPlan FaultsFor(const PlannedCell& cell, const ExtraRecording& extra, uint64_t seed,
                       int64_t trial) {
  CompiledPlan compiled = CompiledFor(cell, seed, trial);
  const bool wire = extra.wire || ComparesWire(cell);
  if (wire) compiled.block.flags |= TRIREME_PLAN_WIRE;
  if (!cell.command.empty()) compiled.block.flags |= TRIREME_PLAN_COMMAND;
  if (!cell.fault_plan.is_null()) compiled.block.flags |= TRIREME_PLAN_PROCESSOR;
  // fiu-ctrl may want calls to fail that no plan names.
  const char* remote =
      std::getenv("FIU_CTRL_FIFO");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  if (wire || (remote != nullptr && *remote != '\0')) compiled.connections = kPlanConnections;
  return compiled;
}

}  // namespace

TrialSetting SettingFor(const Attempt& attempt, const Plan& plan, const EngineOptions& options,
                        Rng& names) {
  const PlannedCell& cell = plan.cells[attempt.cell];
  const int64_t memory = cell.memory > 0 ? cell.memory : kDefaultMemory;
  const uint64_t seed = TrialSeed(plan.seed, static_cast<uint64_t>(attempt.trial));
  const ExtraRecording extra =
      attempt.cell < options.watches.size() ? options.watches[attempt.cell] : ExtraRecording{};
  const std::string folder = std::to_string(attempt.trial) + (attempt.retry ? ".retry" : "");
  return {.attempt = attempt,
          .name = NewName(names),
          .directory = options.run_directory + "/trials/" + cell.id + "/" + folder,
          .seed = seed,
          .inputs = cell.inputs_per_trial ? seed : TrialSeed(plan.seed, 0),
          .memory = memory,
          .address_space = kSanitized ? 0 : memory + kRoomForStacks,
          .record = options.record,
          .watch = extra,
          .faults = FaultsFor(cell, extra, seed, attempt.trial)};
}

}  // namespace trireme
