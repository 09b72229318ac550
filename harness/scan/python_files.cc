#include "harness/scan/python_files.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "harness/base/file.h"

namespace trireme {
namespace {

// Nobody looks for sources in these, so they are not even told of.
constexpr std::array<std::string_view, 8> kHidden = {
    ".git", ".hg", ".svn", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".eggs"};
constexpr std::array<std::string_view, 5> kSkipped = {"node_modules", ".tox", ".nox", ".venv",
                                                      "site-packages"};

template <typename Names>
bool IsOneOf(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsVirtualEnvironment(const std::string& folder) {
  return FileExists(JoinPath(folder, "pyvenv.cfg")) || FileExists(JoinPath(folder, "conda-meta"));
}

// What a build leaves is a copy; but a package may be named so as well.
bool IsBuild(const std::string& folder) {
  return BaseName(folder) == "build" && !FileExists(JoinPath(folder, "__init__.py"));
}

bool IsSkipped(const std::string& folder) {
  return IsOneOf(kSkipped, BaseName(folder)) || IsSymbolicLink(folder) || IsBuild(folder) ||
         IsVirtualEnvironment(folder);
}

class Walk {
 public:
  void Add(const std::string& path) {
    if (IsDirectory(path)) {
      AddFolder(path);
    } else if (seen_.insert(RealPath(path)).second) {
      found_.files.push_back(path);
    }
  }

  PythonFiles Take() { return std::move(found_); }

 private:
  void AddFolder(const std::string& folder) {
    if (!seen_.insert(RealPath(folder)).second) return;
    const Result<std::vector<std::string>> names = ReadDirectory(folder);
    if (!names.ok()) {
      found_.unreadable.push_back({.file = folder, .reason = names.error().message});
      return;
    }
    for (const std::string& name : *names) AddEntry(folder == "." ? name : JoinPath(folder, name));
  }

  void AddEntry(const std::string& path) {
    const std::string name = BaseName(path);
    if (IsOneOf(kHidden, name)) return;
    // Editors lock a file by a link of this name that leads nowhere.
    if (!IsDirectory(path) && (!name.ends_with(".py") || name.starts_with(".#"))) return;
    if (IsDirectory(path) && IsSkipped(path)) {
      found_.skipped.push_back(path);
      return;
    }
    Add(path);
  }

  PythonFiles found_;
  std::set<std::string> seen_;
};

}  // namespace

Result<PythonFiles> FindPythonFiles(const std::vector<std::string>& paths) {
  Walk walk;
  for (const std::string& path : paths) {
    if (!FileExists(path) && !IsSymbolicLink(path))
      return UsageError("there is no file or folder '" + path + "'");
    walk.Add(path);
  }
  return walk.Take();
}

}  // namespace trireme
