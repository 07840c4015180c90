#ifndef SMELT_DAEMON_BUILD_RECORD_H_
#define SMELT_DAEMON_BUILD_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "smelt/builds/v1/build_record.pb.h"
#include "src/base/file_system.h"
#include "src/daemon/team/recorded_unit.h"
#include "src/daemon/unit.h"
#include "src/digest/digest.h"
#include "src/store/action_cache.h"

namespace smelt {

using BuildRecord = ::smelt::builds::v1::BuildRecord;

inline constexpr int kRecordedUnitsMax = 8192;
inline constexpr int kRecordedDaysMax = 30;

// The units of a record, in order; what is malformed is left out.
std::vector<RecordedUnit> UnitsIn(const BuildRecord& record);

// What a build on `day` (since 1970) makes of the record: what it used stays where it was with the new action, or comes
// last; what nobody used for kRecordedDaysMax goes. True if that changed anything worth writing.
bool Update(BuildRecord& record, const std::vector<RecordedUnit>& used, std::int32_t day);

// A record as the action cache holds it: stdout_raw of a result.
BuildRecord RecordIn(const ActionCache::ActionResult& entry);
ActionCache::ActionResult EntryOf(const BuildRecord& record);

// What has a record of its own, beside its lockfile.
struct RecordedBuild {
  Digest compiler;              // Toolchain::program: a build is foreseen before the toolchain is digested
  std::string target, profile;  // the profile as its directory is named: "debug", "release"
  bool generates_code = true;   // `check`, `build` and `build --release` have a record each
};

RecordedBuild BuildOf(const Unit& unit);

// Under what the record of such a build lies.
Digest RecordKey(const RecordedBuild& build, const Digest& lockfile);

// The lockfile in `directory` or above it.
std::optional<std::string> FindLockfileAbove(std::string directory, FileSystem& files);

// The lockfile of the build that `unit` belongs to: in a directory above its outputs, as cargo has it, or above the
// directory in which cargo was started (`cargo_directory`, else PWD, which a shell sets), or above the package's own,
// where that is not in cargo's home. nullopt if there is none.
std::optional<std::string> FindLockfile(const Unit& unit, const std::string& cargo_directory, FileSystem& files);

}  // namespace smelt

#endif  // SMELT_DAEMON_BUILD_RECORD_H_
