#include "harness/cli/watched_program.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/base/subprocess.h"
#include "harness/base/unique_fd.h"

namespace trireme {
namespace {

constexpr int kScripts =
    5;  // interpreters that are scripts themselves: as many as the kernel follows

Diagnostic Cannot(const std::string& file, const std::string& why, const std::string& hint = "") {
  return InfrastructureError("cannot watch " + file + ": " + why, hint);
}

// Whether the kernel gives it rights that its caller has not, where the loader preloads nothing.
bool GainsRights(const std::string& file, const struct stat& status) {
  const bool other_user = (status.st_mode & S_ISUID) != 0 && status.st_uid != ::geteuid();
  const bool other_group = (status.st_mode & S_ISGID) != 0 && status.st_gid != ::getegid();
  const bool capable = ::getxattr(file.c_str(), "security.capability", nullptr, 0) > 0;
  return other_user || other_group || (capable && ::geteuid() != 0);
}

constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;

uint16_t OwnMachine() {
  const UniqueFd self(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  Elf64_Ehdr header{};
  return ::pread(self.get(), &header, sizeof(header), 0) == sizeof(header) ? header.e_machine
                                                                           : uint16_t{0};
}

// Whether an ELF file asks for a loader. Nothing where it cannot be told.
Result<bool> AsksForLoader(int fd, const Elf64_Ehdr& header, const std::string& file) {
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part{};
    const auto place =
        static_cast<off_t>(header.e_phoff + static_cast<uint64_t>(i) * header.e_phentsize);
    if (::pread(fd, &part, sizeof(part), place) != sizeof(part))
      return Cannot(file, "it is damaged");
    if (part.p_type == PT_INTERP) return true;
  }
  return false;
}

Status CheckElf(int fd, const std::string& file) {
  Elf64_Ehdr header{};
  if (::pread(fd, &header, sizeof(header), 0) != sizeof(header))
    return Cannot(file, "it is damaged");
  if (header.e_ident[EI_CLASS] != kClass || header.e_machine != OwnMachine())
    return Cannot(file, "it is made for another kind of machine than the probe is");
  TRIREME_ASSIGN_OR_RETURN(const bool dynamic, AsksForLoader(fd, header, file));
  if (!dynamic)
    return Cannot(file, "it is linked statically, so no library can be loaded before it",
                  "link it dynamically, or watch a program that is");
  return Done{};
}

std::string InPath(const std::string& name) {
  return name.find('/') == std::string::npos ? FindProgram(name) : name;
}

// The interpreter of a script, with "/usr/bin/env python3" resolved; "" for what is no script.
std::string InterpreterOf(int fd) {
  std::array<char, 256> start{};
  const ssize_t size = ::pread(fd, start.data(), start.size(), 0);
  const std::string text(start.data(), size < 0 ? 0 : static_cast<size_t>(size));
  if (!text.starts_with("#!")) return "";
  std::vector<std::string> words;
  for (const std::string& word : Split(text.substr(2, text.find('\n') - 2), ' '))
    if (!word.empty()) words.push_back(word);
  if (words.empty()) return "";
  const bool by_env = BaseName(words[0]) == "env" && words.size() > 1;
  return by_env ? InPath(words.back()) : words[0];
}

Status CheckFile(const std::string& file, int scripts_left) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0)
    return Cannot(file, std::strerror(errno));  // NOLINT(concurrency-mt-unsafe): one thread
  if (!S_ISREG(status.st_mode)) return Cannot(file, "it is no file");
  if (::access(file.c_str(), X_OK) != 0)
    return Cannot(file, "it may not be executed", "chmod +x " + file);
  if (GainsRights(file, status))
    return Cannot(
        file,
        "it runs with the rights of another user or group, and the loader then preloads nothing");
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  // Who may execute it without reading it runs it all the same; the program says later whether the probe came with it.
  if (!fd.valid()) return Done{};
  std::array<char, SELFMAG> magic{};
  if (::pread(fd.get(), magic.data(), magic.size(), 0) == SELFMAG &&
      std::memcmp(magic.data(), ELFMAG, SELFMAG) == 0)
    return CheckElf(fd.get(), file);
  const std::string interpreter = InterpreterOf(fd.get());
  if (interpreter.empty()) return Done{};  // a shell takes it for a script of its own
  if (scripts_left == 0) return Cannot(file, "its interpreter is a script of a script");
  return CheckFile(interpreter, scripts_left - 1);
}

}  // namespace

Result<std::string> FindWatchedProgram(const std::string& name) {
  const std::string file = InPath(name);
  if (file.empty())
    return InfrastructureError("cannot watch " + name + ": there is no such program in PATH");
  TRIREME_RETURN_IF_ERROR(CheckFile(file, kScripts));
  return file;
}

}  // namespace trireme
