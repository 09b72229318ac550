#include "harness/check/command_arm.h"

#include <string>
#include <vector>

#include "harness/base/file.h"

namespace trireme {
namespace {

bool IsCommand(const TrialView& view) {
  const Json& command = GetMember(*view.cell, "command");
  return command.is_array() && !command.empty();
}

std::vector<Json> Warnings(const TrialView& view, std::string_view key) {
  std::vector<Json> values;
  for (const Event& event : view.history->events())
    if (event.kind == EventKind::kWarning && event.key == key) values.push_back(event.Value());
  return values;
}

// What the processes of the cell's own interpreter said; another Python shows nothing about this
// arm. A virtual environment has several names for one program, so its folder is compared.
std::vector<Json> OwnProcesses(const TrialView& view) {
  const std::string folder = DirName(GetString(*view.cell, "interpreter_path"));
  std::vector<Json> own = Warnings(view, "environment");
  std::erase_if(own, [&](const Json& process) {
    return DirName(GetString(process, "executable")) != folder;
  });
  return own;
}

// " (Eventlet was imported by a, b)"
std::string ImportChain(const std::vector<Json>& processes) {
  for (const Json& process : processes) {
    std::string chain;
    for (const Json& importer : GetMember(process, "importers"))
      if (importer.is_string()) chain += (chain.empty() ? "" : ", ") + importer.get<std::string>();
    if (!chain.empty()) return " (Eventlet was imported by " + chain + ")";
  }
  return "";
}

CheckResult JudgeWithoutHub(const TrialView& view, const std::vector<Json>& processes) {
  const std::vector<Json> tests = Warnings(view, "mixed-arm");
  if (!tests.empty()) {
    const std::string first =
        tests.front().is_string() ? tests.front().get<std::string>() : "a test";
    return Unknown("mixed arm: " + first +
                   (tests.size() == 1 ? "" : " and " + std::to_string(tests.size() - 1) + " more") +
                   " ran on an Eventlet hub" + ImportChain(processes));
  }
  for (const Json& process : processes) {
    if (!GetMember(process, "patched").empty())
      return Unknown("mixed arm: Eventlet patched the program" + ImportChain({process}));
    if (GetBool(process, "hub_ran"))
      return Unknown("mixed arm: an Eventlet hub ran" + ImportChain({process}));
  }
  return {};
}

CheckResult JudgePatched(const std::vector<Json>& processes) {
  for (const Json& process : processes)
    if (GetMember(process, "patched").empty())
      return Unknown("mixed arm: Eventlet did not patch the program");
  return {};
}

}  // namespace

CheckResult JudgeArm(const TrialView& view) {
  if (!IsCommand(view)) return {};
  const std::vector<Json> processes = OwnProcesses(view);
  if (processes.empty())
    return Unknown("the command ran no Python of " + GetString(*view.cell, "interpreter_path") +
                   " to its end: nothing shows what it ran on");
  return GetString(*view.cell, "model") == "green" ? JudgePatched(processes)
                                                   : JudgeWithoutHub(view, processes);
}

Json MeasuredEnvironment(const TrialView& view) {
  if (!IsCommand(view)) return nullptr;
  const std::vector<Json> processes = OwnProcesses(view);
  if (processes.empty()) return nullptr;
  const Json& last = processes.back();
  return {{"patched", !GetMember(last, "patched").empty()},
          {"hub", GetMember(last, "hub")},
          {"gil", GetMember(last, "gil")},
          {"versions", GetMember(last, "versions")}};
}

}  // namespace trireme
