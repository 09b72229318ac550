#ifndef TRIREME_HARNESS_BASE_FILE_H_
#define TRIREME_HARNESS_BASE_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/result.h"

namespace trireme {

// Whole, or an error; at most `limit` bytes are accepted, and no pipe, which might never end.
Result<std::string> ReadFile(const std::string& path, int64_t limit = int64_t{1} << 30);
Status WriteFile(const std::string& path, std::string_view text);
// Readers see the old file or the new one, never a part: written beside it, synced, renamed.
Status WriteFileAtomically(const std::string& path, std::string_view text);
// For a path that the user named: atomically, but what is no regular file (a device, a pipe, a link)
// is written to, not replaced.
Status WriteOutput(const std::string& path, std::string_view text);
Status MakeDirectories(const std::string& path);
// Also when it is not there. Never follows links.
Status RemoveTree(const std::string& path);
bool FileExists(const std::string& path);
bool IsDirectory(const std::string& path);
// Also behind links; a pipe, a device and a folder are none.
bool IsRegularFile(const std::string& path);
// The path itself, not what it leads to.
bool IsSymbolicLink(const std::string& path);
// Names in `path`, sorted, without . and ..
Result<std::vector<std::string>> ReadDirectory(const std::string& path);
// The same; empty when it cannot be read.
std::vector<std::string> ListDirectory(const std::string& path);
std::string JoinPath(std::string_view left, std::string_view right);
std::string BaseName(std::string_view path);
std::string DirName(std::string_view path);
// Without links and dots; the path as given when it does not exist.
std::string RealPath(const std::string& path);

// A folder of its own under TMPDIR, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();  // REQUIRES: TMPDIR can be written
  static Result<std::unique_ptr<TemporaryDirectory>> Make();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_FILE_H_
