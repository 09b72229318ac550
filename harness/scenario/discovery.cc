#include "harness/scenario/discovery.h"

#include <map>
#include <set>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/scenario/yaml_document.h"

namespace trireme {
namespace {

constexpr const char* kFileName = "scenario.yaml";
constexpr int kMostLevels = 16;

std::string FileIn(const std::string& folder) { return JoinPath(folder, kFileName); }

bool HoldsScenario(const std::string& folder) { return IsRegularFile(FileIn(folder)); }

// The folders of scenarios at or below `folder`, sorted. `seen` holds real paths, so that links
// make no loops.
void CollectFolders(const std::string& folder, int level, std::set<std::string>& seen,
                    std::vector<std::string>& found) {
  if (level > kMostLevels || !IsDirectory(folder) || !seen.insert(RealPath(folder)).second) return;
  if (HoldsScenario(folder)) {
    found.push_back(folder);
    return;
  }
  for (const std::string& name : ListDirectory(folder))
    if (!name.starts_with('.')) CollectFolders(JoinPath(folder, name), level + 1, seen, found);
}

std::vector<std::string> FoldersBelow(const std::string& folder) {
  std::set<std::string> seen;
  std::vector<std::string> found;
  CollectFolders(folder, 0, seen, found);
  return found;
}

std::string WithoutTrailingSlashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

class Finder {
 public:
  explicit Finder(const std::vector<std::string>& scenario_paths)
      : known_(ListScenarios(scenario_paths)) {
    for (const ScenarioFile& known : known_) by_real_file_.emplace(RealPath(known.file), &known);
  }

  Result<std::vector<ScenarioFile>> Find(const std::string& argument) const {
    if (IsDirectory(argument)) {
      std::vector<ScenarioFile> files;
      for (const std::string& folder : FoldersBelow(WithoutTrailingSlashes(argument)))
        files.push_back(Name(folder, FileIn(folder)));
      if (!files.empty()) return files;
    } else if (IsRegularFile(argument)) {
      return std::vector<ScenarioFile>{Name(DirName(argument), argument)};
    }
    return FindByName(argument);
  }

  const std::vector<ScenarioFile>& known() const { return known_; }

 private:
  // A scenario that was given by its path keeps the name that it has below a scenario path.
  ScenarioFile Name(const std::string& folder, const std::string& file) const {
    const auto known = by_real_file_.find(RealPath(file));
    if (known != by_real_file_.end())
      return {.name = known->second->name, .file = file, .argument = known->second->argument};
    const bool usual = BaseName(file) == kFileName;
    return {.name = BaseName(RealPath(folder)), .file = file, .argument = usual ? folder : file};
  }

  Result<std::vector<ScenarioFile>> FindByName(const std::string& argument) const {
    const std::string name = WithoutTrailingSlashes(argument);
    for (const auto& matches :
         {+[](const std::string&wanted, const std::string&known) { return wanted == known; },
          +[](const std::string&wanted, const std::string&known) {
            return known.starts_with(wanted + "/");
          },
          +[](const std::string&wanted, const std::string&known) {
            return GlobMatches(wanted, known);
          }}) {
      std::vector<ScenarioFile> files;
      for (const ScenarioFile& known : known_)
        if (matches(name, known.name)) files.push_back(known);
      if (!files.empty()) return files;
    }
    return NotFound(argument);
  }

  Diagnostic NotFound(const std::string& argument) const {
    std::vector<std::string> names;
    for (const ScenarioFile& known : known_) names.push_back(known.name);
    Diagnostic error =
        UsageError("no scenario matches '" + argument + "'", DidYouMean(argument, names));
    if (IsDirectory(argument)) error.message = "no scenario.yaml below '" + argument + "'";
    if (error.hint.empty()) error.hint = "'trireme list scenarios' prints their names";
    error.kind = ErrorKind::kNothing;
    return error;
  }

  std::vector<ScenarioFile> known_;
  std::map<std::string, const ScenarioFile*> by_real_file_;
};

Status CheckNames(const std::vector<ScenarioFile>& files) {
  std::map<std::string, const ScenarioFile*> by_name;
  for (const ScenarioFile& file : files) {
    const auto [first, added] = by_name.emplace(file.name, &file);
    if (added) continue;
    return UsageError(
        "two scenarios are named '" + file.name + "': " + first->second->file + " and " + file.file,
        "name the folder that holds both with --scenario-path");
  }
  return Done{};
}

}  // namespace

std::vector<ScenarioFile> ListScenarios(const std::vector<std::string>& scenario_paths) {
  std::map<std::string, ScenarioFile> by_name;
  for (const std::string& path : scenario_paths) {
    const std::string root = WithoutTrailingSlashes(path);
    for (const std::string& folder : FoldersBelow(root)) {
      // A scenario path that is itself a scenario has its folder's name.
      const std::string name = folder == root ? BaseName(RealPath(root))
                                              : folder.substr(root == "/" ? 1 : root.size() + 1);
      by_name.emplace(name, ScenarioFile{.name = name, .file = FileIn(folder), .argument = name});
    }
  }
  std::vector<ScenarioFile> files;
  for (auto& [name, file] : by_name) files.push_back(std::move(file));
  return files;
}

Result<std::vector<ScenarioFile>> FindScenarios(const std::vector<std::string>& arguments,
                                                const std::vector<std::string>& scenario_paths) {
  const Finder finder(scenario_paths);
  if (arguments.empty()) return finder.known();
  std::vector<ScenarioFile> files;
  std::set<std::string> seen;
  for (const std::string& argument : arguments) {
    TRIREME_ASSIGN_OR_RETURN(std::vector<ScenarioFile> found, finder.Find(argument));
    for (ScenarioFile& file : found)
      if (seen.insert(RealPath(file.file)).second) files.push_back(std::move(file));
  }
  TRIREME_RETURN_IF_ERROR(CheckNames(files));
  return files;
}

Result<std::vector<Scenario>> LoadScenarios(const std::vector<ScenarioFile>& files,
                                            const Vocabulary& vocabulary) {
  std::vector<Scenario> scenarios;
  for (const ScenarioFile& file : files) {
    Result<std::string> text = ReadFile(file.file);
    if (!text.ok()) return UsageError(text.error().message);
    TRIREME_ASSIGN_OR_RETURN(Scenario scenario,
                             ParseScenario(*text, file.file, file.name, vocabulary));
    scenario.argument = file.argument;
    scenarios.push_back(std::move(scenario));
  }
  return scenarios;
}

}  // namespace trireme
