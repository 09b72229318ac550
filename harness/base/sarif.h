#ifndef TRIREME_HARNESS_BASE_SARIF_H_
#define TRIREME_HARNESS_BASE_SARIF_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/json.h"

namespace trireme {

// A SARIF 2.1.0 log of one run of Trireme, as values. What is empty or 0 is left out of the document; texts may hold any bytes.

// Lines and columns count from 1, columns in characters; the end is exclusive.
struct SarifRegion {
  int64_t line = 0;  // 0: the place in the file is not known
  int64_t column = 0, end_line = 0, end_column = 0;
};

struct SarifLocation {
  std::string file;         // a path, relative or absolute; "" where it is not known
  std::string base;         // of a relative path: the name of what it is relative to
  SarifRegion region;       // of `file`
  std::string function;     // as its language writes it
  std::string description;  // what is there
};

// One task's calls, the innermost first.
struct SarifStack {
  std::string description;
  std::vector<SarifLocation> frames;
};

struct SarifRule {
  std::string id;
  std::string summary;      // one sentence
  std::string description;  // the whole of it
  std::string help;         // what to do
  std::string level;        // of its results, where they do not say otherwise: "error", "warning", "note"
};

struct SarifResult {
  std::string rule;  // the id of one of SarifLog::rules
  std::string level;
  std::string message;
  std::vector<SarifLocation> locations, related;
  std::vector<SarifStack> stacks;
  std::string fingerprint_name, fingerprint;  // the same for the same bug, whatever line it is on
  int64_t occurrences = 0;
  std::vector<std::string> suppressed;  // why it is accepted, once for each that says so
  Json properties = Json::object();
};

// What kept the run from saying more.
struct SarifNotification {
  std::string level, message;
  std::vector<SarifLocation> locations;
};

struct SarifLog {
  std::string version;  // Trireme's
  std::vector<SarifRule> rules;
  std::vector<SarifResult> results;
  std::vector<SarifNotification> notifications;
  bool successful = true;  // whether it ran to its end
  std::string root_base, root;  // the name of a base, and the folder it is
};

std::string ToSarif(const SarifLog& log);

// A path as SARIF names a file: a relative reference, or file:///... ; bytes that are no part of a
// URI are escaped.
std::string UriOf(const std::string& path);

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_SARIF_H_
