#ifndef TRIREME_HARNESS_BASE_LOCATIONS_H_
#define TRIREME_HARNESS_BASE_LOCATIONS_H_

#include <string>

#include "harness/base/result.h"

namespace trireme {

// Where this copy of Trireme keeps its parts. The build tree mirrors the installed layout, so one rule serves
// both: everything is relative to the folder above the one that holds the program.
struct Locations {
  std::string program;  // bin/trireme
  std::string runner;   // lib/trireme/trireme-runner: hosts the C++ runtimes and commands
  std::string probe;    // lib/trireme/libtrireme-probe.so
  std::string
      workloads;  // lib/trireme/workloads: compiled workloads of the shipped scenarios, <sha256>.so
  std::string include;       // include: holds trireme/workload.h
  std::string agent;         // share/trireme/python: holds the package trireme_agent
  std::string scenarios;     // share/trireme/scenarios
  std::string requirements;  // share/trireme/requirements
  // Writable; "" where the user has no home: nothing is kept in a place that others may write to.
  std::string data;   // $TRIREME_HOME, else $XDG_DATA_HOME/trireme, else ~/.local/share/trireme
  std::string cache;  // $TRIREME_HOME/cache, else $XDG_CACHE_HOME/trireme, else ~/.cache/trireme
};

// From /proc/self/exe and the environment.
Locations FindLocations();

// $HOME, else what the user database says; "" when neither names an absolute path.
std::string HomeFolder();

// kInfrastructure when there is no place for environments and caches.
Status CheckUserFolders(const Locations& locations);

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_LOCATIONS_H_
