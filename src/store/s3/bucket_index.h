#ifndef SMELT_STORE_S3_BUCKET_INDEX_H_
#define SMELT_STORE_S3_BUCKET_INDEX_H_

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "smelt/bucket/v1/bucket.pb.h"
#include "src/digest/digest.h"

namespace smelt {

// What is in a bucket and where, in memory: about 70 bytes for each payload. The union of the indexes added, in any
// order. Thread-safe, never blocks for long.
class BucketIndex {
 public:
  // A larger payload of a pack is left out: nobody writes such, and who reads one has all of it in memory. One that has
  // an object of its own may be as large as it likes.
  static constexpr std::int64_t kPackedBytesMax = 64 << 20;

  struct Place {
    std::string pack;  // the object's key
    std::int64_t pack_size = 0;
    std::int64_t sealed_ns = 0;
    std::int64_t offset = 0;
    std::int64_t stored_size = 0;
    bool zstd = false;

    // No collection can have condemned it without our knowing: whoever is told that it is there may count on that.
    bool stays = false;
  };

  struct PackState {
    std::string key;
    std::int64_t size = 0;
    std::int64_t sealed_ns = 0;
    std::int64_t used_ns = 0;       // last use that was published
    std::int64_t condemned_ns = 0;  // 0: never
    std::int64_t payloads = 0;      // of the pack, those forgotten or superseded too

    std::int64_t LastUse() const { return used_ns > sealed_ns ? used_ns : sealed_ns; }
    bool Condemned() const { return condemned_ns > LastUse(); }
  };

  void Add(const bucket::v1::Index& index);

  // Where `name` is. Nothing for what is in condemned packs only. No collection condemns a pack whose last published
  // use is not older than `touch_before_ns`; whether it has condemned another is known if what was added is `complete`,
  // and then this counts as a use: the pack will be in TakeUsed.
  std::optional<Place> Find(const Digest& name, std::int64_t touch_before_ns, bool complete = true);

  // The payload in that pack is gone or not what it should be. It may be found again in another pack that is added
  // later.
  void Forget(const Digest& name, const std::string& pack);

  // All of the pack's payloads are gone.
  void ForgetPack(const std::string& pack);

  // The packs that were used since they were last published, each once: whoever takes them publishes them.
  std::vector<std::string> TakeUsed();

  std::vector<PackState> Packs() const;
  std::size_t size() const;  // payloads

 private:
  struct Slot {
    std::uint32_t pack = 0;
    std::uint32_t offset = 0;
    std::uint32_t stored_size = 0;
    bool zstd = false;
    bool whole = false;  // the payload is all of the object
  };
  struct Pack {
    PackState state;
    bool described = false;  // an index has told its payloads, not only marks
    bool gone = false;
    bool used = false;
  };

  std::uint32_t NumberOf(const std::string& key);
  void AddPack(const bucket::v1::Pack& pack);
  bool IsLater(const Pack& a, const Pack& b) const;

  mutable std::mutex mu_;
  std::deque<Pack> packs_;                                   // this and what follows: guarded by mu_
  absl::flat_hash_map<std::string, std::uint32_t> numbers_;  // by key
  absl::flat_hash_map<Digest, Slot> slots_;
  std::vector<std::uint32_t> used_;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_BUCKET_INDEX_H_
