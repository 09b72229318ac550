// trireme doctor: what can run on this machine, what cannot, why, and the command that mends it.

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/locations.h"
#include "harness/base/strings.h"
#include "harness/cli/capabilities.h"
#include "harness/cli/command.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"
#include "harness/cli/interpreters.h"
#include "harness/cli/option_parser.h"
#include "harness/cli/python_packages.h"
#include "harness/cli/table.h"
#include "harness/protocol/runtimes.h"

namespace trireme {
namespace {

// A runtime on one interpreter (none for C++): what it runs on, or why it does not.
struct RuntimeReport {
  std::string runtime, model, interpreter;
  bool supported = true;
  std::vector<std::pair<std::string, std::string>> versions;
  std::string reason, fix;
};

struct InterpreterReport {
  Interpreter interpreter;
  bool chosen = false;  // what a run without --interpreters uses
};

struct Examination {
  std::vector<InterpreterReport> interpreters;
  std::vector<BrokenInterpreter> broken;
  std::vector<std::string> absent;  // of 3.10 to 3.13
  std::vector<RuntimeReport> runtimes;
  std::vector<Capability> capabilities;
  std::vector<Limit> limits;
};

RuntimeReport ExaminePython(const RuntimeInfo& runtime, const Interpreter& interpreter,
                            const Result<std::map<std::string, PythonPackage>>& packages) {
  RuntimeReport report{.runtime = std::string(runtime.name),
                       .model = std::string(runtime.model),
                       .interpreter = interpreter.name};
  if (!packages.ok()) {
    report.supported = false;
    report.reason = packages.error().message;
    const std::string& hint = packages.error().hint;
    report.fix = hint.empty() ? "trireme setup" : hint;
    return report;
  }
  for (const PackageNeed& need : PackageNeeds()) {
    if (need.user != runtime.name) continue;
    const std::string name(need.package);
    const PythonPackage& package = packages->at(name);
    if (package.problem.empty()) {
      if (!package.version.empty()) report.versions.emplace_back(name, package.version);
      continue;
    }
    report.supported = report.supported && !need.whole;
    if (!report.reason.empty()) report.reason += "; ";
    report.reason += name + " (for " + std::string(need.part) + "): " + package.problem;
    report.fix = "trireme setup";
  }
  return report;
}

RuntimeReport ExamineNative(const RuntimeInfo& runtime, const Locations& locations) {
  RuntimeReport report{
      .runtime = std::string(runtime.name), .model = std::string(runtime.model), .interpreter = ""};
  for (const std::string& part : {locations.runner, locations.probe}) {
    if (FileExists(part)) continue;
    report.supported = false;
    report.reason = "there is no " + part;
    report.fix = "cmake --build --preset release --target product, or cmake --install";
  }
  return report;
}

bool IsFirstOfName(const std::vector<Interpreter>& usable, size_t index) {
  return std::none_of(
      usable.begin(), usable.begin() + static_cast<std::ptrdiff_t>(index),
      [&](const Interpreter& earlier) { return earlier.name == usable[index].name; });
}

void ExamineInterpreters(const InterpreterInventory& inventory,
                         const std::vector<Interpreter>& chosen, Examination& examination) {
  examination.broken = inventory.broken;
  for (const Interpreter& interpreter : inventory.usable) {
    const auto same = [&interpreter](const Interpreter& other) {
      return other.path == interpreter.path;
    };
    examination.interpreters.push_back(
        {interpreter, std::any_of(chosen.begin(), chosen.end(), same)});
  }
  for (const char* name : {"3.10", "3.11", "3.12", "3.13"}) {
    const auto same = [name](const Interpreter& other) { return other.name == name; };
    if (std::none_of(inventory.usable.begin(), inventory.usable.end(), same))
      examination.absent.emplace_back(name);
  }
}

Result<Examination> Examine(const std::vector<std::string>& given) {
  const Locations locations = FindLocations();
  const InterpreterPlaces places = FindInterpreterPlaces(given, locations.data);
  Examination examination{.capabilities = ProbeCapabilities(),
                          .limits = ReadLimits(locations.data, RealPath("."))};
  TRIREME_ASSIGN_OR_RETURN(const InterpreterInventory inventory, FindInterpreters(places));
  const Result<std::vector<Interpreter>> chosen = ChooseInterpreters(places, {});
  ExamineInterpreters(inventory, chosen.ok() ? *chosen : std::vector<Interpreter>{}, examination);
  for (size_t i = 0; i < inventory.usable.size(); ++i) {
    if (!IsFirstOfName(inventory.usable, i)) continue;
    const auto packages = ReadPackages(inventory.usable[i]);
    for (const RuntimeInfo& runtime : Runtimes())
      if (runtime.language == "python")
        examination.runtimes.push_back(ExaminePython(runtime, inventory.usable[i], packages));
  }
  for (const RuntimeInfo& runtime : Runtimes())
    if (runtime.language == "cpp")
      examination.runtimes.push_back(ExamineNative(runtime, locations));
  return examination;
}

// What a run cannot do without, in words; empty when every runtime can run.
std::vector<std::string> Obstacles(const Examination& examination) {
  std::vector<std::string> obstacles;
  for (const RuntimeInfo& runtime : Runtimes()) {
    const auto works = [&runtime](const RuntimeReport& report) {
      return report.runtime == runtime.name && report.supported;
    };
    if (std::none_of(examination.runtimes.begin(), examination.runtimes.end(), works))
      obstacles.push_back(runtime.language == "python"
                              ? "no interpreter can run " + std::string(runtime.name)
                              : std::string(runtime.name) + " cannot run");
  }
  for (const Capability& capability : examination.capabilities)
    if (!capability.available && (capability.name == "fork" || capability.name == "unix-sockets"))
      obstacles.push_back(capability.name + ": " + capability.reason);
  return obstacles;
}

using Rows = std::vector<std::vector<std::string>>;

std::string Section(const std::string& title, const Rows& rows) {
  if (rows.empty()) return "";
  std::string out = title + "\n";
  for (const std::string& line : Split(FormatTable(rows, 118), '\n'))
    if (!line.empty()) out += "  " + line + "\n";
  return out + "\n";
}

std::string WithFix(const std::string& reason, const std::string& fix) {
  return fix.empty() ? reason : reason + "; to mend: " + fix;
}

std::string InterpretersAsText(const Examination& examination) {
  Rows rows;
  for (const InterpreterReport& report : examination.interpreters) {
    const Interpreter& one = report.interpreter;
    rows.push_back({"ok", one.name, one.version + (one.gil ? "" : " without GIL"), one.origin,
                    one.path + (report.chosen ? " (the default)" : "")});
  }
  for (const BrokenInterpreter& broken : examination.broken)
    rows.push_back(
        {"no", "-", "-", broken.origin,
         broken.path + " " + broken.problem + (broken.late ? ": the machine may be busy" : "")});
  for (const std::string& name : examination.absent)
    rows.push_back({"no", name, "-", "-",
                    WithFix("not found", "pyenv install " + name + " && trireme setup")});
  return Section("interpreters", rows);
}

std::string AsText(const Examination& examination) {
  Rows runtimes;
  for (const RuntimeReport& report : examination.runtimes) {
    std::vector<std::string> words;
    for (const auto& [name, version] : report.versions) words.push_back(name + " " + version);
    if (!report.reason.empty()) words.push_back(WithFix(report.reason, report.fix));
    runtimes.push_back({report.supported ? "ok" : "no", report.runtime,
                        report.interpreter.empty() ? "C++" : report.interpreter,
                        Join(words, ", ")});
  }
  Rows capabilities;
  for (const Capability& one : examination.capabilities)
    capabilities.push_back(
        {one.available ? "ok" : "no", one.name,
         one.used_for + (one.available ? "" : ": " + WithFix(one.reason, one.fix))});
  Rows limits;
  for (const Limit& limit : examination.limits)
    limits.push_back({limit.enough ? "ok" : "low", limit.name, WithFix(limit.value, limit.fix)});
  std::string out = InterpretersAsText(examination) + Section("runtimes", runtimes) +
                    Section("capabilities", capabilities) + Section("limits", limits);
  const std::vector<std::string> obstacles = Obstacles(examination);
  return out + (obstacles.empty() ? "every runtime can run here\n"
                                  : "in the way: " + Join(obstacles, "; ") + "\n");
}

Json InterpretersAsJson(const Examination& examination) {
  Json all = Json::array();
  for (const InterpreterReport& report : examination.interpreters) {
    const Interpreter& one = report.interpreter;
    all.push_back({{"name", one.name},
                   {"version", one.version},
                   {"gil", one.gil},
                   {"origin", one.origin},
                   {"path", one.path},
                   {"default", report.chosen},
                   {"usable", true},
                   {"reason", ""}});
  }
  for (const BrokenInterpreter& one : examination.broken)
    all.push_back({{"name", nullptr},
                   {"version", nullptr},
                   {"gil", nullptr},
                   {"origin", one.origin},
                   {"path", one.path},
                   {"default", false},
                   {"usable", false},
                   {"reason", one.problem}});
  return all;
}

Json AsJson(const Examination& examination) {
  Json runtimes = Json::array();
  for (const RuntimeReport& report : examination.runtimes) {
    Json versions = Json::object();
    for (const auto& [name, version] : report.versions) versions[name] = version;
    runtimes.push_back(
        {{"name", report.runtime},
         {"model", report.model},
         {"interpreter", report.interpreter.empty() ? Json() : Json(report.interpreter)},
         {"supported", report.supported},
         {"versions", std::move(versions)},
         {"reason", report.reason},
         {"fix", report.fix}});
  }
  Json capabilities = Json::array();
  for (const Capability& one : examination.capabilities)
    capabilities.push_back({{"name", one.name},
                            {"available", one.available},
                            {"used_for", one.used_for},
                            {"reason", one.reason},
                            {"fix", one.fix}});
  Json limits = Json::array();
  for (const Limit& one : examination.limits)
    limits.push_back(
        {{"name", one.name}, {"value", one.value}, {"enough", one.enough}, {"fix", one.fix}});
  return Json{{"schema", "trireme.doctor/1"},
              {"interpreters", InterpretersAsJson(examination)},
              {"absent", examination.absent},
              {"runtimes", std::move(runtimes)},
              {"capabilities", std::move(capabilities)},
              {"limits", std::move(limits)},
              {"obstacles", Obstacles(examination)}};
}

}  // namespace

int DoctorCommand(const Arguments& arguments) {
  bool json = false;
  std::vector<std::string> given;
  OptionParser parser("doctor");
  parser.Values("--python", "NAME=PATH", given, "look at this interpreter too (repeatable)");
  parser.Flag("--json", json, "print one JSON document");
  if (const auto code = parser.Parse(arguments)) return *code;
  const Result<Examination> examination = Examine(given);
  if (!examination.ok()) return Fail(examination.error());
  Print(json ? DumpJson(AsJson(*examination), 1) + "\n" : AsText(*examination));
  return Obstacles(*examination).empty() ? kExitPass : kExitInfrastructure;
}

}  // namespace trireme
