#include <fcntl.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/daemon/counters.h"
#include "src/daemon/edited_units.h"
#include "src/daemon/package_roots.h"
#include "src/digest/hasher.h"
#include "src/testing/fake_clock.h"
#include "src/testing/faulty_file_system.h"
#include "src/testing/memory_table.h"

namespace {

// Every path is an empty file.
class EmptyFiles : public smelt::FaultyFileSystem {
 public:
  absl::StatusOr<smelt::FileStat> Stat(const std::string&) override {
    return smelt::FileStat{.type = smelt::FileStat::Type::kRegular, .size = 0};
  }
  absl::StatusOr<smelt::UniqueFd> OpenForRead(const std::string&) override {
    return smelt::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
};

void Check(bool right) {
  if (!right) std::abort();
}

void CheckEditedUnits(smelt::Table& table, const smelt::rustc::PathMap& paths) {
  EmptyFiles files;
  smelt::FakeClock clock;
  smelt::MemoryTable digests_table;
  smelt::FileDigests digests(files, clock, digests_table);
  smelt::EditedUnits units(files, digests, table);
  units.IsEdited("", paths);
  smelt::Closure closure;
  closure.files = {{"/smelt/workspace/lib.rs", smelt::DigestOf("")}};
  units.Settled("", closure);
  Check(!units.IsEdited("", paths));
}

void CheckPackageRoots(smelt::Table& table, const smelt::rustc::PathMap& paths) {
  const smelt::rustc::PathMap complete = smelt::PackageRoots(table).Complete(paths);
  std::size_t own = 0;
  for (const smelt::rustc::Root& root : complete.roots()) {
    own += root.name == "package" && root.real == "/a" ? 1 : 0;
  }
  Check(own == 1);
}

}  // namespace

// Whatever a table holds in an entry's place, it is read to its end, and what is remembered next is found.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string value(reinterpret_cast<const char*>(data), size);
  smelt::MemoryTable table;
  for (const char* key : {"unit\n", "packages\n/build"}) table.Put(key, value).IgnoreError();
  const smelt::rustc::PathMap paths({{"workspace", "/w", "/smelt/workspace", ""},
                                     {"build", "/build", "/smelt/build", ""},
                                     {"package", "/a", "/smelt/package", "a"}});
  CheckEditedUnits(table, paths);
  CheckPackageRoots(table, paths);
  smelt::MemoryTable counted;
  counted.Put("hits", value).IgnoreError();
  smelt::Counters counters(counted);
  counters.Add("hits");
  counters.Save();
  Check(smelt::Counters(counted).All()["hits"] == counters.All()["hits"]);
  return 0;
}
