#include "harness/cli/settings.h"

#include <functional>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/cli/vocabulary.h"
#include "harness/scenario/field_reader.h"
#include "harness/scenario/words.h"
#include "harness/scenario/yaml_document.h"

namespace trireme {
namespace {

constexpr const char* kFileName = "trireme.yaml";
constexpr int64_t kMaxFileSize = 1 << 20;
constexpr Range kCount = {1, 1'000'000};
constexpr Range kDuration = {1'000'000, 7 * 86'400'000'000'000};  // 1ms to a week

// Reads one mapping, key by key.
class SettingsReader {
 public:
  SettingsReader(const YamlDocument& document, std::string folder)
      : reader_(document), folder_(std::move(folder)) {}

  Result<Settings> Read(const YamlNode& root) const {
    Settings settings;
    TRIREME_RETURN_IF_ERROR(reader_.Mapping(root, kFileName));
    TRIREME_RETURN_IF_ERROR(CheckKeys(root));
    for (size_t i = 0; i < root.keys.size(); ++i)
      TRIREME_RETURN_IF_ERROR(ReadKey(root.keys[i].text, root.items[i], settings));
    return settings;
  }

 private:
  // Later releases bring these: they are no typing errors.
  Status CheckKeys(const YamlNode& root) const {
    for (const YamlNode& key : root.keys)
      for (const char* later : {"presets", "known", "faults", "store"})
        if (key.text == later)
          return reader_.ErrorAt(key, "'" + key.text + "' is not available yet", "remove it");
    static const auto& known = *new std::vector<std::string>{
        "version",  "scenario-paths", "suppressions", "python", "profile", "profiles",
        "runtimes", "interpreters",   "trials",       "jobs",   "timeout", "budget"};
    return reader_.Keys(root, kFileName, known);
  }

  Status ReadKey(const std::string& key, const YamlNode& node, Settings& settings) const {
    if (key == "version") return ReadVersion(node);
    if (key == "scenario-paths") return ReadScenarioPaths(node, settings);
    if (key == "suppressions") return ReadSuppressionFiles(node, settings);
    if (key == "python") return ReadPythons(node, settings);
    if (key == "profiles") return ReadProfiles(node, settings);
    if (key == "profile") {
      TRIREME_ASSIGN_OR_RETURN(settings.profile, reader_.OneOf(node, "'profile'", ProfileNames()));
      return Done{};
    }
    return ReadRunKey(key, node, settings.run);
  }

  Status ReadVersion(const YamlNode& node) const {
    TRIREME_ASSIGN_OR_RETURN(const int64_t version,
                             reader_.Whole(node, "'version'", {1, 1'000'000}));
    if (version > 1)
      return reader_.ErrorAt(
          node, "version " + std::to_string(version) + " is newer than this Trireme knows (1)",
          "update Trireme, or write the file for version 1");
    return Done{};
  }

  Status ReadScenarioPaths(const YamlNode& node, Settings& settings) const {
    TRIREME_ASSIGN_OR_RETURN(const std::vector<std::string> paths,
                             reader_.Texts(node, "'scenario-paths'"));
    for (size_t i = 0; i < paths.size(); ++i) {
      settings.scenario_paths.push_back(JoinPath(folder_, paths[i]));
      if (!IsDirectory(settings.scenario_paths.back()))
        return reader_.ErrorAt(node.kind == YamlNode::Kind::kSequence ? node.items[i] : node,
                               "there is no folder '" + paths[i] + "'");
    }
    return Done{};
  }

  Status ReadSuppressionFiles(const YamlNode& node, Settings& settings) const {
    TRIREME_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                             reader_.Texts(node, "'suppressions'"));
    for (size_t i = 0; i < files.size(); ++i) {
      settings.suppressions.push_back(JoinPath(folder_, files[i]));
      if (!FileExists(settings.suppressions.back()))
        return reader_.ErrorAt(node.items[i], "there is no file '" + files[i] + "'");
    }
    return Done{};
  }

  Status ReadPythons(const YamlNode& node, Settings& settings) const {
    TRIREME_RETURN_IF_ERROR(reader_.Mapping(node, "'python'"));
    for (size_t i = 0; i < node.keys.size(); ++i) {
      TRIREME_ASSIGN_OR_RETURN(const std::string path,
                               reader_.Text(node.items[i], "'" + node.keys[i].text + "'"));
      settings.pythons.push_back(node.keys[i].text + "=" + JoinPath(folder_, path));
    }
    return Done{};
  }

  Status ReadProfiles(const YamlNode& node, Settings& settings) const {
    TRIREME_RETURN_IF_ERROR(reader_.Mapping(node, "'profiles'"));
    TRIREME_RETURN_IF_ERROR(reader_.Keys(node, "'profiles'", ProfileNames()));
    static const auto& known = *new std::vector<std::string>{"runtimes", "interpreters", "trials",
                                                             "jobs",     "timeout",      "budget"};
    for (size_t i = 0; i < node.keys.size(); ++i) {
      const YamlNode& profile = node.items[i];
      TRIREME_RETURN_IF_ERROR(reader_.Mapping(profile, "'" + node.keys[i].text + "'"));
      TRIREME_RETURN_IF_ERROR(reader_.Keys(profile, "'" + node.keys[i].text + "'", known));
      RunSettings& run = settings.profiles[node.keys[i].text];
      for (size_t k = 0; k < profile.keys.size(); ++k)
        TRIREME_RETURN_IF_ERROR(ReadRunKey(profile.keys[k].text, profile.items[k], run));
    }
    return Done{};
  }

  // What names nothing is said at its place, not as if the command line had named it.
  Status CheckRuntimes(const YamlNode& node, const std::vector<std::string>& names) const {
    const Vocabulary vocabulary = MakeVocabulary();
    for (size_t i = 0; i < names.size(); ++i)
      if (FindRuntime(vocabulary, names[i]) == nullptr)
        return reader_.ErrorAt(
            node.items[i],
            UnknownWord("runtime", names[i], RuntimeNames(vocabulary), vocabulary.later_runtimes));
    return Done{};
  }

  Status ReadRunKey(const std::string& key, const YamlNode& node, RunSettings& run) const {
    const std::string what = "'" + key + "'";
    if (key == "runtimes") {
      TRIREME_ASSIGN_OR_RETURN(run.runtimes, reader_.Texts(node, what));
      TRIREME_RETURN_IF_ERROR(CheckRuntimes(node, run.runtimes));
    } else if (key == "interpreters") {
      TRIREME_ASSIGN_OR_RETURN(run.interpreters, reader_.Texts(node, what));
    } else if (key == "trials") {
      TRIREME_ASSIGN_OR_RETURN(run.trials, reader_.Whole(node, what, kCount));
    } else if (key == "jobs") {
      TRIREME_ASSIGN_OR_RETURN(run.jobs, reader_.Whole(node, what, kCount));
    } else if (key == "timeout") {
      TRIREME_ASSIGN_OR_RETURN(run.timeout, reader_.Duration(node, what, kDuration));
    } else {
      TRIREME_CHECK(key == "budget");
      TRIREME_ASSIGN_OR_RETURN(run.budget, reader_.Duration(node, what, kDuration));
    }
    return Done{};
  }

  FieldReader reader_;
  std::string folder_;
};

// Whether there are only comments and blank lines.
bool SaysNothing(const std::string& text) {
  for (const std::string& line : Split(text, '\n'))
    if (const std::string_view content = Trim(line); !content.empty() && content.front() != '#')
      return false;
  return true;
}

}  // namespace

const std::vector<std::string>& ProfileNames() {
  static const auto& names = *new std::vector<std::string>{"quick", "ci", "nightly"};
  return names;
}

Result<Settings> ParseSettings(const std::string& text, const std::string& path) {
  if (SaysNothing(text)) return Settings{.file = path};
  TRIREME_ASSIGN_OR_RETURN(const YamlDocument document, YamlDocument::Parse(text, path));
  TRIREME_ASSIGN_OR_RETURN(Settings settings,
                           SettingsReader(document, DirName(RealPath(path))).Read(document.root()));
  settings.file = path;
  return settings;
}

Result<Settings> FindSettings(const std::string& directory) {
  for (std::string folder = RealPath(directory);; folder = DirName(folder)) {
    const std::string file = JoinPath(folder, kFileName);
    if (FileExists(file)) {
      TRIREME_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxFileSize));
      return ParseSettings(text, folder == RealPath(directory) ? kFileName : file);
    }
    // "." where the working directory was removed.
    const bool top = folder == DirName(folder);
    if (top || FileExists(JoinPath(folder, ".git"))) return Settings{};
  }
}

}  // namespace trireme
