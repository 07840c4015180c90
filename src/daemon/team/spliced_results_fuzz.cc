// A result of the team's, whatever it holds, is refused, or says how each of its rlibs and programs is put together:
// what comes of parts of the sizes that it names has the size of the whole, and can be taken apart again. The result's
// standard output serves as each difference, and its standard error, again and again, as each reference.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/daemon/team/team_results.h"
#include "src/store/spool.h"
#include "src/testing/memory_table.h"

namespace smelt {
namespace {

constexpr std::int64_t kBytesMax = 64 << 10;
constexpr std::int64_t kTriedBytesMax = 2 * kProgramBytesMin;

void Check(bool holds) {
  if (!holds) std::abort();
}

std::string OfSize(std::int64_t size, char byte) { return std::string(static_cast<std::size_t>(size), byte); }

void CheckSplice(const Splice& splice) {
  Check(splice.rest.size >= 0 && splice.metadata.size >= 0 && splice.offset >= 0);
  if (splice.whole.size > kBytesMax) return;
  Spool spool;
  spool.Insert({splice.offset, Bytes(OfSize(splice.metadata.size, 'm'))});
  Check(spool.Append(OfSize(splice.rest.size, 'r')).ok());
  const auto whole = spool.Finish();
  Check(whole.ok() && whole->size() == splice.whole.size);
  const auto rest = RestOf(splice, *whole, "");
  Check(rest.ok() && rest->ReadAll().value() == OfSize(splice.rest.size, 'r'));
}

std::string Repeated(std::string_view text, std::int64_t size) {
  std::string all;
  while (!text.empty() && static_cast<std::int64_t>(all.size()) < size) all += text;
  all.resize(static_cast<std::size_t>(size));
  return all;
}

// It is refused, unless it holds what it says.
void CheckDifference(const Difference& difference, const ActionCache::ActionResult& result) {
  Check(difference.whole.size <= kProgramBytesMax && difference.reference.size <= kProgramBytesMax);
  Check(difference.frame.size >= 0 && difference.frame.size <= difference.whole.size);
  if (difference.whole.size > kTriedBytesMax || difference.reference.size > kTriedBytesMax) return;
  const Bytes reference(Repeated(result.stderr_raw(), difference.reference.size));
  const auto whole = ApplyDifference(difference, reference, Bytes(result.stdout_raw()), "");
  Check(whole.ok() ? whole->size() == difference.whole.size : absl::IsDataLoss(whole.status()));
}

}  // namespace
}  // namespace smelt

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smelt;
  ActionCache::ActionResult result;
  if (!result.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto& files = result.output_files();
  const auto with = [&](const char* suffix) {
    return std::count_if(files.begin(), files.end(), [&](const auto& file) { return file.path().ends_with(suffix); });
  };
  MemoryTable table;
  ProgramReferences references(table);
  const auto team = FromTeam(result, references);
  Check(team.ok() || absl::IsInvalidArgument(team.status()));
  if (!team.ok()) return 0;
  Check(static_cast<std::ptrdiff_t>(team->splices.size()) == with(kRestSuffix));
  Check(static_cast<std::ptrdiff_t>(team->differences.size()) >= with(kDifferenceSuffix));
  Check(team->result.output_files_size() >= files.size() - with(kReferenceSuffix));
  for (const Splice& splice : team->splices) CheckSplice(splice);
  for (const Difference& difference : team->differences) CheckDifference(difference, result);
  return 0;
}
