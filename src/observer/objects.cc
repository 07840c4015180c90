#include "src/observer/objects.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "src/observer/hook.h"
#include "src/observer/record.h"

namespace smelt::observer {
namespace {

using Address = ElfW(Addr);

// Constant after RecordStart.
constinit char program_path[PATH_MAX] = {};
constinit std::atomic<unsigned long long> objects_added{0};

std::string_view BaseName(std::string_view path) {
  std::size_t slash = path.rfind('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return path;
}

bool NamesEnvironment(const char* name) {
  std::string_view symbol = name;
  if (symbol == "environ" || symbol == "_environ" || symbol == "__environ") return true;
  if (!symbol.starts_with("_ZN3std3env") && !symbol.starts_with("_R")) return false;
  return symbol.find("3std3env4vars") != std::string_view::npos ||
         symbol.find("3std3env7vars_os") != std::string_view::npos;
}

// What an object's dynamic section says of its symbols.
struct Symbols {
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
  const std::uint32_t* gnu_hash = nullptr;  // buckets, first hashed symbol, bloom words, shift; bloom; buckets; chains

  explicit Symbols(const dl_phdr_info& object) {
    for (int i = 0; i < object.dlpi_phnum; ++i) {
      const ElfW(Phdr)& header = object.dlpi_phdr[i];
      if (header.p_type != PT_DYNAMIC) continue;
      auto* entry = reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + header.p_vaddr);
      for (; entry->d_tag != DT_NULL; ++entry) Read(*entry, object.dlpi_addr);
    }
  }

  void Read(const ElfW(Dyn) & entry, Address base) {
    // The loader has added the base already, where it may write to the section.
    Address address = entry.d_un.d_ptr < base ? entry.d_un.d_ptr + base : entry.d_un.d_ptr;
    if (entry.d_tag == DT_SYMTAB) symbols = reinterpret_cast<const ElfW(Sym)*>(address);
    if (entry.d_tag == DT_STRTAB) names = reinterpret_cast<const char*>(address);
    if (entry.d_tag == DT_GNU_HASH) gnu_hash = reinterpret_cast<const std::uint32_t*>(address);
  }

  bool complete() const { return symbols != nullptr && names != nullptr && gnu_hash != nullptr; }
  bool Match(std::uint32_t index) const { return NamesEnvironment(names + symbols[index].st_name); }

  // Imported symbols come first in the table, then the hashed ones, which others may import.
  bool AnyImported() const {
    for (std::uint32_t i = 1; i < gnu_hash[1]; ++i) {
      if (Match(i)) return true;
    }
    return false;
  }

  bool AnyOfItsOwn() const {
    const std::uint32_t* buckets = gnu_hash + 4 + gnu_hash[2] * (sizeof(Address) / sizeof *gnu_hash);
    const std::uint32_t* chains = buckets + gnu_hash[0];
    for (std::uint32_t bucket = 0; bucket < gnu_hash[0]; ++bucket) {
      std::uint32_t i = buckets[bucket];
      if (i < gnu_hash[1]) continue;
      do {
        if (Match(i)) return true;
      } while ((chains[i++ - gnu_hash[1]] & 1) == 0);
    }
    return false;
  }
};

// An object without a GNU hash table is not understood, and taken for one that can.
bool CanIterateOverEnvironment(const dl_phdr_info& object, bool is_program) {
  Symbols symbols(object);
  return !symbols.complete() || symbols.AnyImported() || (is_program && symbols.AnyOfItsOwn());
}

const link_map* MapOf(const void* address) {
  dl_find_object found;
  return _dl_find_object(const_cast<void*>(address), &found) == 0 ? found.dlfo_link_map : nullptr;
}

Address OwnBase() {
  static const char kHere = 0;
  const link_map* own = MapOf(&kHere);
  return own == nullptr ? 0 : own->l_addr;
}

void RecordObject(const dl_phdr_info& object) {
  bool is_program = object.dlpi_name == nullptr || object.dlpi_name[0] == '\0';
  if (is_program) {
    if (CanIterateOverEnvironment(object, true)) Record('E', program_path);
    return;
  }
  bool is_file = strchr(object.dlpi_name, '/') != nullptr;  // the vdso is none
  if (!is_file || object.dlpi_addr == OwnBase()) return;
  RecordPath('L', AT_FDCWD, object.dlpi_name);
  if (CanIterateOverEnvironment(object, false)) RecordPath('E', AT_FDCWD, object.dlpi_name);
}

struct Census {
  unsigned long long count = 0;
  unsigned long long added = 0;
};

// New objects are at the end of the loader's list.
struct Selection {
  unsigned long long skip;
};

int Count(dl_phdr_info* object, std::size_t, void* data) {
  auto* census = static_cast<Census*>(data);
  ++census->count;
  census->added = object->dlpi_adds;
  return 0;
}

int RecordSelected(dl_phdr_info* object, std::size_t, void* data) {
  auto* selection = static_cast<Selection*>(data);
  if (selection->skip > 0) {
    --selection->skip;
  } else {
    RecordObject(*object);
  }
  return 0;
}

struct Search {
  std::string_view module;
  std::string_view path;
};

int Compare(dl_phdr_info* object, std::size_t, void* data) {
  auto* search = static_cast<Search*>(data);
  if (BaseName(object->dlpi_name) != search->module) return 0;
  search->path = object->dlpi_name;
  return 1;
}

}  // namespace

std::string_view ModuleOf(const void* address) {
  const link_map* map = MapOf(address);
  if (map == nullptr) return "?";  // code that was generated at run time
  return map->l_name[0] == '\0' ? BaseName(program_path) : BaseName(map->l_name);
}

std::string_view ObjectPath(std::string_view module) {
  if (module == BaseName(program_path)) return program_path;
  Search search = {module, module};
  dl_iterate_phdr(Compare, &search);
  return search.path;
}

void RecordStart() {
  long size = Kernel()(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", program_path, sizeof program_path - 1);
  program_path[size > 0 ? size : 0] = '\0';
  Record('P', program_path);
  RecordNewObjects();
}

void RecordNewObjects() {
  ErrnoScope keep;
  Census census;
  dl_iterate_phdr(Count, &census);
  unsigned long long before = objects_added.exchange(census.added);
  unsigned long long fresh = census.added - before;
  if (census.added <= before) return;
  Selection selection = {fresh < census.count ? census.count - fresh : 0};
  dl_iterate_phdr(RecordSelected, &selection);
}

}  // namespace smelt::observer
