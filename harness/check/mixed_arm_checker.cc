#include "harness/check/mixed_arm_checker.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/strings.h"
#include "harness/check/observations.h"
#include "harness/check/running_tests.h"

namespace trireme {
namespace {

constexpr size_t kNamedTests = 5;  // in a message
constexpr size_t kTestsOfEvidence = 1000;
constexpr std::string_view kHook = "trireme";  // in an import chain: a green arm's own patching

// The WARNING `environment` of one Python process; of one that was ended without it, what it told last before.
struct PythonProcess {
  Json record;
  bool of_the_arm = false;  // an interpreter of the cell's environment, not just any Python
  bool ended = false;       // by itself

  bool patched() const {
    const Json& names = GetMember(record, "patched");
    return names.is_array() && !names.empty();
  }
  // The program itself or what runs its tests, not what one of those started.
  bool runs_the_work() const { return record.contains("suite") || record.contains("program"); }
  bool hub_ran() const { return GetBool(record, "hub_ran"); }
  std::string own_hub() const { return GetString(record, "arm_hub"); }
};

std::string FolderOf(const std::string& program) {
  return std::filesystem::path(program).lexically_normal().parent_path().string();
}

// Whether what it told before it was ended is enough to say what it was: nothing of it could have become another program's, nor
// patched where Eventlet began to be imported without the arm's doing.
bool SaysEnough(const Json& so_far) {
  const std::vector<std::string> importers = TextsOf(GetMember(so_far, "importers"));
  return !GetBool(so_far, "replaced") && (importers.empty() || importers.front() == kHook);
}

// What each process told at its end, or else last.
std::vector<PythonProcess> ToldByProcesses(const TrialView& view) {
  std::vector<PythonProcess> processes;
  std::map<std::pair<int64_t, int64_t>, Json> so_far;
  for (const Event& event : view.history->events()) {
    const bool ended = event.key == "environment";
    if (event.kind != EventKind::kWarning || (!ended && event.key != "environment-so-far"))
      continue;
    const Json record = event.Value();
    if (!record.is_object()) continue;
    const std::pair key = {GetInt(record, "process"), GetInt(record, "begun")};
    if (!ended) {
      so_far[key] = record;
      continue;
    }
    so_far.erase(key);
    processes.push_back({.record = record, .ended = true});
  }
  for (const auto& [key, record] : so_far)
    if (SaysEnough(record)) processes.push_back({.record = record});
  return processes;
}

// An environment is known by its bin folder: it holds the same interpreter under several names.
std::vector<PythonProcess> FindProcesses(const TrialView& view) {
  const std::string folder = FolderOf(GetString(*view.cell, "interpreter_path"));
  std::vector<PythonProcess> processes = ToldByProcesses(view);
  for (PythonProcess& process : processes)
    process.of_the_arm =
        folder.empty() || FolderOf(GetString(process.record, "executable")) == folder;
  return processes;
}

std::vector<std::string> FindTestsOnAHub(const TrialView& view) {
  std::set<std::string> tests;
  for (const Event& event : view.history->events()) {
    if (event.kind != EventKind::kWarning || event.key != kMixedArm) continue;
    const Json test = event.Value();
    tests.insert(test.is_string() ? test.get<std::string>() : DumpJson(test));
  }
  return {tests.begin(), tests.end()};
}

// "a, b and 3 more"
std::string Names(std::vector<std::string> names) {
  const size_t more = names.size() > kNamedTests ? names.size() - kNamedTests : 0;
  names.resize(names.size() - more);
  return Join(names, ", ") + (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

std::vector<std::string> ImportChain(const std::vector<PythonProcess>& processes) {
  for (const PythonProcess& process : processes) {
    if (!GetBool(process.record, "imported")) continue;  // it only tried
    std::vector<std::string> chain = TextsOf(GetMember(process.record, "importers"));
    if (!chain.empty()) return chain;
  }
  return {};
}

std::string ArmOf(const TrialView& view) {
  return "the " + GetString(*view.cell, "runtime") + " arm";
}

CheckResult Mixed(const TrialView& view, const std::string& subject, std::string what,
                  const std::vector<PythonProcess>& processes, Json tests) {
  std::vector<std::string> chain = ImportChain(processes);
  if (!chain.empty() && chain.front() == kHook) chain.clear();
  std::string message = "mixed arm: " + std::move(what);
  if (!chain.empty()) message += "; eventlet was imported by " + Join(chain, " > ");
  // The importer, since who mends this has to look there.
  Finding finding =
      view.MakeFinding("mixed-arm", std::string(kMixedArm),
                       subject + '\n' + (chain.empty() ? "" : chain.back()), message, {});
  finding.evidence = {{"tests", std::move(tests)}, {"import_chain", chain}};
  Json patched = Json::array();
  for (const PythonProcess& process : processes)
    if (process.patched()) patched = GetMember(process.record, "patched");
  finding.evidence["patched"] = std::move(patched);
  CheckResult result = Unknown(std::move(message));
  result.findings.push_back(std::move(finding));
  return result;
}

// `where` is what is wrong with the hub: "a hub in ..., which should have none".
CheckResult MixedTests(const TrialView& view, const std::vector<std::string>& tests,
                       const std::string& where, const std::vector<PythonProcess>& processes) {
  Json shown = Json::array();
  for (size_t i = 0; i < tests.size() && i < kTestsOfEvidence; ++i) shown.push_back(tests[i]);
  return Mixed(
      view, "hub",
      Count(static_cast<int64_t>(tests.size()), "test") + " ran on " + where + ": " + Names(tests),
      processes, std::move(shown));
}

CheckResult MixedByAPatch(const TrialView& view, const PythonProcess& process,
                          const std::vector<PythonProcess>& processes) {
  return Mixed(view, "patched",
               ArmOf(view) + " was monkey-patched (" +
                   Join(TextsOf(GetMember(process.record, "patched")), ", ") + ")",
               processes, Json::array());
}

// Of an arm that should have neither a hub nor a patch. Tests in a patched process say nothing of
// threads, whether they met its hub or not; so that comes before those that are named.
CheckResult CheckForHubs(const TrialView& view, const std::vector<PythonProcess>& processes) {
  for (const PythonProcess& process : processes)
    if (process.patched() && process.runs_the_work())
      return MixedByAPatch(view, process, processes);
  if (const std::vector<std::string> tests = FindTestsOnAHub(view); !tests.empty())
    return MixedTests(view, tests, "a hub in " + ArmOf(view) + ", which should have none",
                      processes);
  for (const PythonProcess& process : processes)
    if (process.patched()) return MixedByAPatch(view, process, processes);
  if (std::any_of(processes.begin(), processes.end(),
                  [](const PythonProcess& process) { return process.hub_ran(); }))
    return Mixed(view, "hub", "a hub ran in " + ArmOf(view) + ", which should have none", processes,
                 Json::array());
  return {};
}

CheckResult CheckForPatches(const TrialView& view, const std::vector<PythonProcess>& processes) {
  for (const PythonProcess& process : processes) {
    if (!process.of_the_arm || process.patched()) continue;
    const std::string argv = Join(TextsOf(GetMember(process.record, "argv")), " ");
    const char* why =
        GetBool(process.record, "imported") ? "" : ", which could not import eventlet";
    return Mixed(view, "unpatched", ArmOf(view) + " was not patched in '" + argv + "'" + why,
                 processes, Json::array());
  }
  return {};
}

// Of an arm that has a hub of its own.
CheckResult CheckForOtherHubs(const TrialView& view, const std::vector<PythonProcess>& processes) {
  for (const PythonProcess& process : processes) {
    const std::string own = process.own_hub();
    std::vector<std::string> others = TextsOf(GetMember(process.record, "hubs"));
    others.erase(std::remove(others.begin(), others.end(), own), others.end());
    if (own.empty() || others.empty()) continue;
    const std::string where = Join(others, ", ") + " in " + ArmOf(view) + ", whose hub is " + own;
    const std::vector<std::string> tests = FindTestsOnAHub(view);
    return tests.empty() ? Mixed(view, "hub", "the hub was " + where, processes, Json::array())
                         : MixedTests(view, tests, where, processes);
  }
  return {};
}

CheckResult CheckForEventlet(const TrialView& view, const std::vector<PythonProcess>& processes) {
  CheckResult result = CheckForPatches(view, processes);
  return result.verdict == Verdict::kPass ? CheckForOtherHubs(view, processes) : result;
}

std::string ExitStatus(const TrialView& view) {
  for (const Event& event : view.history->events())
    if (event.kind == EventKind::kObserve && event.key == "exit-status")
      return " (exit status " + DumpJson(event.Value()) + ")";
  return "";
}

CheckResult NoPython(const TrialView& view, const std::vector<PythonProcess>& processes) {
  std::string reason = "the command started no Python of " +
                       GetString(*view.cell, "interpreter_path") + " that said what it ran on";
  if (!processes.empty()) reason += ", only " + GetString(processes.front().record, "executable");
  reason += ExitStatus(view) + RunningTestsInWords(view, view.last_time);
  if (processes.empty())
    reason += "; a PYTHONPATH of the command's own, -E, -I and -S keep one from saying it, and so "
              "do os._exit and a signal that ends it where it imported eventlet by itself";
  return Unknown(reason);
}

// Of a suite that was ended without a word some tests may have run and others not: "" where there is none.
std::string WhySuiteWasCut(const TrialView& view, const std::vector<PythonProcess>& processes) {
  for (const PythonProcess& process : processes)
    if (!process.ended && process.record.contains("suite"))
      return GetString(GetMember(process.record, "suite"), "reason") + ExitStatus(view) +
             RunningTestsInWords(view, view.last_time);
  return "";
}

bool RanPytest(const std::vector<PythonProcess>& processes) {
  return std::any_of(processes.begin(), processes.end(), [](const PythonProcess& process) {
    return GetMember(GetMember(process.record, "versions"), "pytest").is_string();
  });
}

bool ObservedATest(const TrialView& view) {
  const std::vector<Event>& events = view.history->events();
  return std::any_of(events.begin(), events.end(), [](const Event& event) {
    return event.kind == EventKind::kObserve && event.key.starts_with(kTestPrefix);
  });
}

// Of all processes that say something of it; "" when it began in one of them. One that ran no test
// may be there to list them, and a process that ran some may have ended without a word.
std::string WhyNoneStarted(const TrialView& view, const std::vector<PythonProcess>& processes,
                           const char* key) {
  std::string why;
  for (const PythonProcess& process : processes) {
    if (!process.record.contains(key)) continue;
    const Json& failure = GetMember(process.record, key);
    const std::string reason = GetString(failure, "reason");
    if (reason.empty() || (GetBool(failure, "ran_none") && ObservedATest(view))) return "";
    if (!why.empty()) continue;
    why = reason;
    if (GetBool(failure, "missing_module"))
      why += "; " + GetString(process.record, "executable") +
             " lacks it: activate the virtual environment that has the project's dependencies, or "
             "name its interpreter by --python NAME=PATH";
  }
  return why;
}

}  // namespace

bool IsCommand(const Json& cell) {
  const Json& command = GetMember(cell, "command");
  return command.is_array() && !command.empty();
}

std::string_view MixedArmChecker::Summary() const {
  return "a command ran on what its arm says: patched under Eventlet and on its hub, without a hub "
         "elsewhere";
}

CheckResult MixedArmChecker::Check(const TrialView& view, const Json& /*arguments*/) const {
  if (!IsCommand(*view.cell)) return {};
  const std::vector<PythonProcess> processes = FindProcesses(view);
  const bool green = GetString(*view.cell, "model") == "green";
  if (CheckResult result =
          green ? CheckForEventlet(view, processes) : CheckForHubs(view, processes);
      result.verdict != Verdict::kPass)
    return result;
  if (view.end == nullptr)
    return Unknown("the command did not end, so it could not say what it was");
  if (std::none_of(processes.begin(), processes.end(),
                   [](const PythonProcess& process) { return process.of_the_arm; }))
    return NoPython(view, processes);
  if (std::string why = WhySuiteWasCut(view, processes); !why.empty()) return Unknown(std::move(why));
  if (RanPytest(processes) && !ObservedATest(view)) {
    const std::string why = WhyNotStarted(view);
    return Unknown(why.empty() ? "pytest ran no test" + ExitStatus(view) : why);
  }
  return {};
}

std::string WhyNotStarted(const TrialView& view) {
  const std::vector<PythonProcess> processes = FindProcesses(view);
  const bool suite =
      std::any_of(processes.begin(), processes.end(),
                  [](const PythonProcess& process) { return process.record.contains("suite"); });
  if (suite) return WhyNoneStarted(view, processes, "suite");
  return ExitStatus(view) == " (exit status 0)" ? "" : WhyNoneStarted(view, processes, "program");
}

std::vector<std::string> TestsOnAHub(const TrialView& view, const std::vector<Finding>& findings) {
  const bool named = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.kind == kMixedArm && !GetMember(finding.evidence, "tests").empty();
  });
  return named ? FindTestsOnAHub(view) : std::vector<std::string>();
}

Json CommandEnvironment(const TrialView& view) {
  std::vector<PythonProcess> processes = FindProcesses(view);
  if (processes.empty()) return Json::object();
  std::stable_sort(processes.begin(), processes.end(),
                   [](const auto& a, const auto& b) { return a.of_the_arm > b.of_the_arm; });
  const bool green = GetString(*view.cell, "model") == "green";
  const auto patched = [](const PythonProcess& process) { return process.patched(); };
  const auto patched_or_foreign = [](const PythonProcess& process) {
    return process.patched() || !process.of_the_arm;
  };
  Json environment = {
      {"patched", green ? std::all_of(processes.begin(), processes.end(), patched_or_foreign)
                        : std::any_of(processes.begin(), processes.end(), patched)},
      {"hub", nullptr},
      {"hub_ran", false},
      {"gil", GetMember(processes.front().record, "gil")},
      {"versions", Json::object()},
      {"imported", false},
      {"import_chain", ImportChain(processes)},
      {"executable", GetString(processes.front().record, "executable")},
      {"processes", processes.size()}};
  for (const PythonProcess& process : processes) {
    if (environment["hub"].is_null()) environment["hub"] = GetMember(process.record, "hub");
    if (process.hub_ran()) environment["hub_ran"] = true;
    if (GetBool(process.record, "imported")) environment["imported"] = true;
    if (const Json& versions = GetMember(process.record, "versions"); versions.is_object())
      for (const auto& [name, version] : versions.items())
        if (Json& known = environment["versions"][name]; known.is_null()) known = version;
  }
  return environment;
}

}  // namespace trireme
