#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "harness/base/file.h"
#include "harness/base/unique_fd.h"

namespace trireme {
namespace {

Status WriteAll(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoError("cannot write " + path, errno);
    text.remove_prefix(static_cast<size_t>(written));
  }
  return Done{};
}

// "/tmp" where TMPDIR says nothing, as mktemp(1) has it: the one such folder that the Filesystem Hierarchy Standard requires.
std::string TemporaryPath() {
  const char* base = std::getenv("TMPDIR");
  return JoinPath(base == nullptr || *base == '\0' ? "/tmp" : base, "trireme-XXXXXX");
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, int64_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return ErrnoError("cannot open " + path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) == 0 && S_ISFIFO(status.st_mode))
    return InfrastructureError("cannot read " + path + ": it is a pipe");
  std::string text;
  size_t size = 0;
  while (true) {
    if (text.size() < size + 4096) text.resize(std::max<size_t>(size * 2, 16384));
    const ssize_t count = ::read(fd.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError("cannot read " + path, errno);
    if (count == 0) break;
    size += static_cast<size_t>(count);
    if (static_cast<int64_t>(size) > limit)
      return InfrastructureError("cannot read " + path + ": larger than " + std::to_string(limit) +
                                 " bytes");
  }
  text.resize(size);
  return text;
}

Status WriteFile(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd.valid()) return ErrnoError("cannot create " + path, errno);
  return WriteAll(fd.get(), text, path);
}

Status WriteFileAtomically(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".part." + std::to_string(::getpid());
  {
    const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!fd.valid()) return ErrnoError("cannot create " + temporary, errno);
    Status written = WriteAll(fd.get(), text, temporary);
    if (written.ok() && ::fsync(fd.get()) != 0)
      written = ErrnoError("cannot write " + temporary, errno);
    if (!written.ok()) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return ErrnoError("cannot replace " + path, errno);
  return Done{};
}

Status WriteOutput(const std::string& path, std::string_view text) {
  struct stat status {};
  const bool special = ::lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
  return special ? WriteFile(path, text) : WriteFileAtomically(path, text);
}

Status MakeDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return ErrnoError("cannot create folder " + path, error.value());
  return Done{};
}

Status RemoveTree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return ErrnoError("cannot remove " + path, error.value());
  return Done{};
}

bool FileExists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool IsDirectory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool IsRegularFile(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

bool IsSymbolicLink(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

Result<std::vector<std::string>> ReadDirectory(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (directory == nullptr) return ErrnoError("cannot read " + path, errno);
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> ListDirectory(const std::string& path) {
  const Result<std::vector<std::string>> names = ReadDirectory(path);
  return names.ok() ? *names : std::vector<std::string>();
}

std::string JoinPath(std::string_view left, std::string_view right) {
  if (left.empty() || right.starts_with('/')) return std::string(right);
  std::string out(left);
  if (!out.ends_with('/')) out += '/';
  return out.append(right);
}

std::string BaseName(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

std::string DirName(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

std::string RealPath(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real == nullptr ? path : std::string(real.get());
}

TemporaryDirectory::TemporaryDirectory() : path_(TemporaryPath()) {
  TRIREME_CHECK(::mkdtemp(path_.data()) != nullptr);
}

Result<std::unique_ptr<TemporaryDirectory>> TemporaryDirectory::Make() {
  std::string path = TemporaryPath();
  if (::mkdtemp(path.data()) != nullptr)
    return std::unique_ptr<TemporaryDirectory>(new TemporaryDirectory(std::move(path)));
  Diagnostic error = ErrnoError("cannot make a folder in " + DirName(path), errno);
  error.hint = "TMPDIR names the folder for temporary files";
  return error;
}

TemporaryDirectory::~TemporaryDirectory() { (void)RemoveTree(path_); }

}  // namespace trireme
