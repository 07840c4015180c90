#include "src/daemon/build_record.h"

#include <algorithm>
#include <map>

#include "fmt/format.h"
#include "src/digest/hasher.h"
#include "src/reapi/bounded_parse.h"

namespace smelt {
namespace {

constexpr int kRenewDays = 7;
constexpr int kLevelsMax = 40;

std::optional<Digest> DigestIn(const builds::v1::Key& key) {
  Digest digest;
  if (key.hash().size() != digest.hash.size() || key.size() < 0) return std::nullopt;
  std::copy(key.hash().begin(), key.hash().end(), digest.hash.begin());
  digest.size = key.size();
  return digest;
}

void Set(const Digest& digest, builds::v1::Key& key) {
  key.set_hash(std::string(digest.hash.begin(), digest.hash.end()));
  key.set_size(digest.size);
}

// In days. Records come from elsewhere: a day that is still to come says nothing, and such a unit is as old as can be.
std::int64_t AgeOf(const builds::v1::Unit& unit, std::int32_t day) {
  const std::int64_t age = std::int64_t{day} - unit.used_day();
  return age < -1 ? kRecordedDaysMax + 1 : age;
}

std::string ParentOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

// "debug", "release": what distinguishes profiles below a target directory.
std::string ProfileOf(const std::string& out_dir) {
  const std::string above = out_dir.ends_with("/deps") || out_dir.ends_with("/examples") ? ParentOf(out_dir) : out_dir;
  const std::size_t build = above.find("/build/");
  const std::string profile = build == std::string::npos ? above : above.substr(0, build);
  return profile.substr(profile.rfind('/') + 1);
}

}  // namespace

std::vector<RecordedUnit> UnitsIn(const BuildRecord& record) {
  std::vector<RecordedUnit> units;
  for (const builds::v1::Unit& unit : record.units()) {
    const std::optional<Digest> manifest = DigestIn(unit.manifest()), action = DigestIn(unit.action());
    if (manifest && action) units.push_back({*manifest, *action});
  }
  return units;
}

bool Update(BuildRecord& record, const std::vector<RecordedUnit>& used, std::int32_t day) {
  bool changed = false;
  std::map<std::pair<std::string, std::int64_t>, int> places;
  for (int i = 0; i < record.units_size(); ++i) {
    places.emplace(std::pair(record.units(i).manifest().hash(), record.units(i).manifest().size()), i);
  }
  for (const RecordedUnit& unit : used) {
    builds::v1::Unit now;
    Set(unit.manifest, *now.mutable_manifest());
    Set(unit.action, *now.mutable_action());
    now.set_used_day(day);
    auto [place, is_new] = places.emplace(std::pair(now.manifest().hash(), now.manifest().size()), record.units_size());
    builds::v1::Unit& kept = is_new ? *record.add_units() : *record.mutable_units(place->second);
    const bool same = !is_new && kept.action().hash() == now.action().hash() && AgeOf(kept, day) < kRenewDays;
    if (same) continue;
    kept = now;
    changed = true;
  }
  auto& units = *record.mutable_units();
  const int before = units.size();
  units.erase(
      std::remove_if(units.begin(), units.end(), [&](const auto& unit) { return AgeOf(unit, day) > kRecordedDaysMax; }),
      units.end());
  if (units.size() > kRecordedUnitsMax) units.DeleteSubrange(0, units.size() - kRecordedUnitsMax);
  return changed || units.size() != before;
}

BuildRecord RecordIn(const ActionCache::ActionResult& entry) {
  BuildRecord record;
  if (!reapi::ParseBounded(entry.stdout_raw(), record).ok()) record.Clear();
  return record;
}

ActionCache::ActionResult EntryOf(const BuildRecord& record) {
  ActionCache::ActionResult entry;
  entry.set_stdout_raw(record.SerializeAsString());
  return entry;
}

std::optional<std::string> FindLockfileAbove(std::string directory, FileSystem& files) {
  for (int i = 0; i < kLevelsMax && directory.starts_with('/') && directory.size() > 1; ++i) {
    std::string path = directory + "/Cargo.lock";
    if (files.Stat(path).ok()) return path;
    directory = ParentOf(directory);
  }
  return std::nullopt;
}

std::optional<std::string> FindLockfile(const Unit& unit, const std::string& cargo_directory, FileSystem& files) {
  if (auto found = FindLockfileAbove(unit.Absolute(unit.invocation.out_dir), files)) return found;
  if (auto found = FindLockfileAbove(cargo_directory, files)) return found;
  if (auto found = FindLockfileAbove(unit.environment.ValueOr("PWD", ""), files)) return found;
  const std::string home = unit.environment.ValueOr("CARGO_HOME", unit.environment.ValueOr("HOME", "") + "/.cargo");
  const std::string package = unit.environment.ValueOr("CARGO_MANIFEST_DIR", "");
  if (package.starts_with(home + "/")) return std::nullopt;
  return FindLockfileAbove(package, files);
}

RecordedBuild BuildOf(const Unit& unit) {
  return {.compiler = unit.toolchain->program,
          .target = unit.invocation.target,
          .profile = ProfileOf(unit.Absolute(unit.invocation.out_dir)),
          .generates_code = unit.invocation.Emits("link")};
}

Digest RecordKey(const RecordedBuild& build, const Digest& lockfile) {
  return DigestOf(fmt::format("smelt build record 2\n{}\n{}\n{}\n{}\n{}\n", lockfile.ToString(),
                              build.compiler.ToString(), build.target, build.profile,
                              build.generates_code ? "link" : "metadata"));
}

}  // namespace smelt
