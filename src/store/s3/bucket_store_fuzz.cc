// A bucket that holds one index and the objects that it names, however little they fit: what is read is what was asked
// for or an error, and what is put is found by whoever comes next, collected or not. The first two bytes say how long
// the index is, which is not compressed here; the rest is in each of the objects.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "src/digest/hasher.h"
#include "src/store/memory/memory_object_store.h"
#include "src/store/s3/bucket_collection.h"
#include "src/store/s3/bucket_format.h"
#include "src/store/s3/bucket_store.h"
#include "src/testing/fake_clock.h"

namespace smelt {
namespace {

constexpr char kWriter[] = "the-fuzzer";

void Check(bool holds) {
  if (!holds) std::abort();
}

BucketStoreOptions Options() {
  BucketStoreOptions options;
  options.writer = kWriter;
  options.upload_threads = 1;
  return options;
}

std::vector<Digest> NamesIn(const bucket::v1::Index& index) {
  std::vector<Digest> names;
  for (const bucket::v1::Pack& pack : index.packs()) {
    for (const bucket::v1::Payload& payload : pack.payloads()) {
      if (payload.hash().size() != Digest::kHashBytes) continue;
      Digest& name = names.emplace_back();
      std::memcpy(name.hash.data(), payload.hash().data(), Digest::kHashBytes);
      name.size = payload.size();
    }
  }
  return names;
}

void CheckReads(BucketStore& store, const std::vector<Digest>& names) {
  for (const Digest& name : names) {
    if (name.size < 0) continue;
    const auto blob = store.Get(name);
    Check(!blob.ok() || *DigestOf(*blob) == name);
    store.ReadPacked(name, {[](std::int64_t) {}, [](std::string_view) { return absl::OkStatus(); }}).IgnoreError();
  }
}

void CheckPut(MemoryObjectStore& objects, BucketStore& store, Clock& clock) {
  const Digest action = DigestOf("an action");
  ActionCache::ActionResult result;
  result.set_stdout_raw("a result");
  store.Of("")->Get(action).status().IgnoreError();
  Check(store.Of("")->Put(action, result).ok() && store.Flush().ok());
  BucketStore next(Options(), objects, clock);
  BucketCollectionOptions collection;
  collection.merge_from = 1;
  CollectBucket(objects, clock, collection).status().IgnoreError();
  const auto found = next.Of("")->Get(action);
  Check(found.ok() && found->stdout_raw() == "a result");
}

}  // namespace
}  // namespace smelt

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smelt;
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t length = std::min<std::size_t>(data[0] | data[1] << 8, text.size());
  bucket::v1::Index index;
  if (!index.ParseFromArray(text.data(), static_cast<int>(length))) return 0;
  FakeClock clock;
  MemoryObjectStore objects(clock);
  if (index.SerializeAsString().find(kWriter) != std::string::npos) return 0;  // it would speak in our name
  for (const bucket::v1::Pack& pack : index.packs()) {
    objects.Put(pack.key(), Bytes(std::string(text.substr(length)))).IgnoreError();
  }
  objects.Put(IndexKey(clock.NowNanos(), "other"), Bytes(EncodeIndex(index))).IgnoreError();
  BucketStore store(Options(), objects, clock);
  CheckReads(store, NamesIn(index));
  CheckPut(objects, store, clock);
  return 0;
}
