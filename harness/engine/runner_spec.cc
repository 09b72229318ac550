#include "harness/engine/runner_spec.h"

#include <cstdlib>

#include "harness/base/file.h"
#include "harness/protocol/channel.h"

namespace trireme {
namespace {

std::vector<std::string> Environment(const Locations& locations) {
  std::vector<std::string> changes = {"TRIREME_CONTROL_FD=3", "PYTHONHASHSEED=0",
                                      "TRIREME_HISTORY"};
  // The loader complains in every program about a library that is not there.
  if (!FileExists(locations.probe)) return changes;
  const char* others = std::getenv("LD_PRELOAD");  // NOLINT(concurrency-mt-unsafe): one thread
  changes.push_back("LD_PRELOAD=" + locations.probe +
                    (others == nullptr || *others == '\0' ? "" : ":" + std::string(others)));
  return changes;
}

std::string LoadedObject(const PlannedCell& cell, const EngineOptions& options) {
  const auto compiled = options.compiled.find(cell.workload);
  return compiled == options.compiled.end() ? cell.workload : compiled->second;
}

}  // namespace

RunnerSpec SpecFor(const PlannedCell& cell, bool isolated, const EngineOptions& options) {
  const bool command = !cell.command.empty();
  const bool python = !command && cell.language == "python";
  RunnerSpec spec;
  spec.isolated = isolated;
  spec.environment = Environment(options.locations);
  if (python)
    spec.argv = {cell.interpreter_path,
                 JoinPath(options.locations.agent, "trireme_agent/__main__.py")};
  else
    spec.argv = {options.locations.runner};
  spec.load = {{"type", "load"},
               {"version", kProtocolVersion},
               {"runtime", cell.runtime},
               {"kind", command ? "command" : cell.language},
               {"workload", LoadedObject(cell, options)},
               {"isolation", isolated ? "process" : "fork"}};
  if (command) {
    spec.load["argv"] = cell.command;
    spec.load["lines"] = cell.lines;
    spec.load["directory"] = cell.directory;
    spec.load["interpreter"] = cell.interpreter_path;
    spec.load["agent"] = options.locations.agent;
  }
  spec.key = DumpJson({spec.argv, spec.load});
  return spec;
}

}  // namespace trireme
