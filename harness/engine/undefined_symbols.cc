#include "harness/engine/undefined_symbols.h"

#include <set>
#include <string_view>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"

namespace trireme {
namespace {

constexpr int64_t kPatience = 30 * kNanosecondsPerSecond;

}  // namespace

std::vector<std::string> UndefinedSymbols(const std::string& object, const Locations& locations) {
  if (!FileExists(locations.runner)) return {};
  // By its name in its folder: the loader would split a path with a space or a colon.
  const Result<CommandOutcome> traced = RunCommand(
      {locations.runner}, {.environment = {"LD_TRACE_LOADED_OBJECTS=1", "LD_WARN=1",
                                           "LD_BIND_NOW=1", "LD_PRELOAD=./" + BaseName(object)},
                           .directory = DirName(object),
                           .timeout = kPatience});
  if (!traced.ok()) return {};
  // "undefined symbol: _Z4Losti<TAB>(./workload.so)"
  constexpr std::string_view kUndefined = "undefined symbol: ";
  std::set<std::string> symbols;
  for (const std::string& line : Split(traced->out + traced->err, '\n')) {
    const size_t at = line.find(kUndefined);
    if (at == std::string::npos || line.find(BaseName(object)) == std::string::npos) continue;
    const size_t begin = at + kUndefined.size();
    const size_t end = line.find_first_of(", \t", begin);
    symbols.insert(DemangledSymbol(line.substr(begin, end - begin)));
  }
  return {symbols.begin(), symbols.end()};
}

}  // namespace trireme
