#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/digest/hasher.h"
#include "src/store/s3/bucket_format.h"
#include "src/store/s3/bucket_index.h"
#include "src/store/zstd.h"
#include "src/testing/fake_clock.h"

namespace {

// With the right checksum, so that what lies behind it is reached.
std::string Sealed(std::string_view body) {
  std::string bytes = "smeltix1" + std::string(body);
  const smelt::Digest digest = smelt::DigestOf(std::string_view(bytes));
  bytes.append(reinterpret_cast<const char*>(digest.hash.data()), digest.hash.size());
  return bytes;
}

}  // namespace

// An index, however damaged, is refused, or names places that lie in their packs, and nothing but packs and blobs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  smelt::FakeClock clock;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string& bytes : {std::string(text), Sealed(text), Sealed(smelt::ZstdCompress(text, 1))}) {
    const auto check = [](auto& part) {
      if (!part.key().starts_with("v1/packs/") && !part.key().starts_with("v1/blobs/")) std::abort();
    };
    smelt::BucketIndex held(clock, 64 << 10);
    const auto add = [&](auto& part) { return check(part), held.Add(part), absl::OkStatus(); };
    smelt::ReadIndex(bytes, {add, add}).IgnoreError();
    if (held.GetUsage().bytes > 64 << 10) std::abort();
  }
  smelt::OpenResult(smelt::ResultName("", smelt::DigestOf(text)), text).status().IgnoreError();
  if (smelt::TimeOfIndexKey(text) < 0) std::abort();
  return 0;
}
