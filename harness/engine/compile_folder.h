#ifndef TRIREME_HARNESS_ENGINE_COMPILE_FOLDER_H_
#define TRIREME_HARNESS_ENGINE_COMPILE_FOLDER_H_

#include <string>
#include <utility>

#include "harness/base/result.h"
#include "harness/base/unique_fd.h"

namespace trireme {

// Where one compile has all that it writes, removed at its end. Its owner holds a lock on it until it
// ends, however it does, so that what a killed one left can be told from another's that is at work,
// also where numbers of processes mean something else (a container that shares the folder).
class CompileFolder {
 public:
  // In `parent`; first removes what was left there by compiles whose owner is gone.
  static Result<CompileFolder> Make(const std::string& parent);

  CompileFolder(CompileFolder&& other) noexcept
      : path_(std::exchange(other.path_, "")), lock_(std::move(other.lock_)) {}
  CompileFolder& operator=(CompileFolder&&) = delete;
  ~CompileFolder();

  const std::string& path() const { return path_; }

 private:
  CompileFolder(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  UniqueFd lock_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_COMPILE_FOLDER_H_
