#include "harness/probe/local_symbol.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace trireme {
namespace {

// A file in memory, of which nothing is believed.
class ElfFile {
 public:
  explicit ElfFile(const char* path) {
    const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC));
    struct stat status;
    if (fd < 0) return;
    if (syscall(SYS_fstat, fd, &status) == 0 && status.st_size > 0) {
      void* place =
          mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
      if (place != MAP_FAILED) bytes_ = static_cast<const char*>(place);
      if (bytes_ != nullptr) size_ = static_cast<uint64_t>(status.st_size);
    }
    syscall(SYS_close, fd);
  }
  ~ElfFile() {
    if (bytes_ != nullptr) munmap(const_cast<char*>(bytes_), size_);
  }
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;

  // `count` of them at an offset; null where the file has not so many.
  template <typename T>
  const T* At(uint64_t offset, uint64_t count = 1) const {
    const bool inside =
        offset % alignof(T) == 0 && offset <= size_ && count <= (size_ - offset) / sizeof(T);
    return inside ? reinterpret_cast<const T*>(bytes_ + offset) : nullptr;
  }

 private:
  const char* bytes_ = nullptr;
  uint64_t size_ = 0;
};

struct Symbols {
  const Elf64_Sym* symbols = nullptr;
  uint64_t count = 0;
  const char* names = nullptr;
  uint64_t names_size = 0;
};

Symbols FindSymbols(const ElfFile& file, const Elf64_Ehdr& header) {
  const auto* sections = file.At<Elf64_Shdr>(header.e_shoff, header.e_shnum);
  for (unsigned i = 0; sections != nullptr && i < header.e_shnum; ++i) {
    const Elf64_Shdr& section = sections[i];
    if (section.sh_type != SHT_SYMTAB || section.sh_link >= header.e_shnum) continue;
    const Elf64_Shdr& names = sections[section.sh_link];
    const uint64_t count = section.sh_size / sizeof(Elf64_Sym);
    return {.symbols = file.At<Elf64_Sym>(section.sh_offset, count),
            .count = count,
            .names = file.At<char>(names.sh_offset, names.sh_size),
            .names_size = names.sh_size};
  }
  return {};
}

}  // namespace

bool FindLocalSymbol(const char* file, const void* base, const void* place, char* name,
                     size_t room) {
  const ElfFile elf(file);
  const auto* header = elf.At<Elf64_Ehdr>(0);
  if (header == nullptr || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64)
    return false;
  const Symbols table = FindSymbols(elf, *header);
  if (table.symbols == nullptr || table.names == nullptr) return false;
  const uint64_t start = header->e_type == ET_DYN ? reinterpret_cast<uint64_t>(base) : 0;
  const uint64_t address = reinterpret_cast<uint64_t>(place) - start;
  for (uint64_t i = 0; i < table.count; ++i) {
    const Elf64_Sym& symbol = table.symbols[i];
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_name >= table.names_size ||
        address - symbol.st_value >= symbol.st_size)
      continue;
    const char* found = table.names + symbol.st_name;
    const size_t size = strnlen(found, table.names_size - symbol.st_name);
    if (size == 0 || size >= room) return false;
    memcpy(name, found, size);
    name[size] = '\0';
    return true;
  }
  return false;
}

}  // namespace trireme
