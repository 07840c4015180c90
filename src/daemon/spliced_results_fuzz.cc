// A result of the team's, whatever it holds, is refused, or says how each of its rlibs is put together: what comes of
// parts of the sizes that it names has the size of the whole, and can be taken apart again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/daemon/spliced_results.h"
#include "src/store/spool.h"

namespace smelt {
namespace {

constexpr std::int64_t kBytesMax = 64 << 10;

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

}  // namespace
}  // namespace smelt

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smelt;
  ActionCache::ActionResult result;
  if (!result.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto& files = result.output_files();
  const auto parts =
      std::count_if(files.begin(), files.end(), [](const auto& f) { return f.path().ends_with(kRestSuffix); });
  const auto spliced = FromTeam(result);
  Check(spliced.ok() || absl::IsInvalidArgument(spliced.status()));
  if (!spliced.ok()) return 0;
  Check(static_cast<std::ptrdiff_t>(spliced->splices.size()) == parts);
  Check(spliced->result.output_files_size() == files.size());
  for (const Splice& splice : spliced->splices) CheckSplice(splice);
  return 0;
}
