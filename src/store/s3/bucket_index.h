#ifndef SMELT_STORE_S3_BUCKET_INDEX_H_
#define SMELT_STORE_S3_BUCKET_INDEX_H_

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "smelt/bucket/v1/bucket.pb.h"
#include "src/base/clock.h"
#include "src/digest/digest.h"
#include "src/store/s3/pack_use.h"

namespace smelt {

// What is in a bucket and where, in memory: about 100 bytes for each payload and 200 for each pack. The union of what
// was added, in any order. Thread-safe; blocks for half a second at most, when it leaves something out.
//
// It never takes more than `bytes_max`, of which packs take half at most. Before it would, an eighth of the payloads or
// packs is left out: first what is gone or condemned, then the packs whose last use is the longest ago, and what is
// older than those is not taken any more. What this process has put or found within the last kHeldSeconds goes last.
// What is known to be condemned stays known, as long as there is room for packs.
class BucketIndex {
 public:
  // A larger payload of a pack is left out: nobody writes such, and who reads one has all of it in memory. One that has
  // an object of its own may be as large as it likes.
  static constexpr std::int64_t kPackedBytesMax = 64 << 20;

  static constexpr std::int64_t kHeldSeconds = 3 * 3600;  // for which clients count on what they were told

  enum class By { kAnybody, kUs };

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

  struct Usage {
    std::int64_t payloads = 0;
    std::int64_t bytes = 0;     // of memory
    std::int64_t left_out = 0;  // payloads, ever
  };

  // `clock` outlives this.
  BucketIndex(Clock& clock, std::int64_t bytes_max) : clock_(clock), bytes_max_(bytes_max) {}

  void Add(const bucket::v1::Pack& added, By by = By::kAnybody);
  void Add(const bucket::v1::Mark& mark);

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

  Usage GetUsage() const;
  std::int64_t bytes_max() const { return bytes_max_; }

 private:
  struct Slot {
    std::uint32_t pack = 0;
    std::uint32_t offset = 0;
    std::uint32_t stored_size = 0;
    bool zstd = false;
    bool whole = false;  // the payload is all of the object
  };
  using Slots = absl::flat_hash_map<Digest, Slot>;

  struct Pack : PackUse {
    std::string key;  // empty: this is none
    std::int64_t size = 0;
    std::int64_t told_ns = 0;  // when we were last told of it
    std::int64_t held_ns = 0;  // when we last put or found something in it
    std::uint32_t slots = 0;   // that name it
    bool described = false;    // an index has told its payloads, not only marks
    bool gone = false;
    bool used = false;
    bool left_out = false;  // its payloads are
  };
  enum class Need { kPayload, kPack };
  struct Victim;

  static std::int64_t PackBytes(const std::string& key);

  // All that follows is called with mu_ held.
  std::optional<std::uint32_t> NumberOf(const std::string& key);
  bool TakesIn(const bucket::v1::Pack& added, By by);
  void AddPayload(const bucket::v1::Payload& payload, std::uint32_t number, bool has_own_object);
  bool IsLater(const Pack& a, const Pack& b) const;
  Slots& PartOf(const Digest& name);
  bool MakeRoom(Need need, absl::FunctionRef<std::int64_t()> bytes);
  void LeaveOut(Need need);
  std::vector<Victim> Victims(Need need) const;
  void Drop(std::uint32_t number);

  Clock& clock_;
  const std::int64_t bytes_max_;
  mutable std::mutex mu_;
  std::deque<Pack> packs_;  // this and what follows: guarded by mu_
  std::vector<std::uint32_t> free_;
  absl::flat_hash_map<std::string_view, std::uint32_t> numbers_;  // by key, which is in packs_

  // In parts by hash: while one grows it needs memory twice. None grows beyond what there is room for.
  static constexpr std::size_t kSlotParts = 64;
  std::array<Slots, kSlotParts> slots_;

  std::vector<std::uint32_t> used_;
  std::int64_t slot_bytes_ = 0, pack_bytes_ = 0;
  std::int64_t payloads_ = 0;
  std::array<std::int64_t, 2> wanted_{};  // by Need, since some were last left out for it
  std::int64_t left_out_ = 0;
  std::int64_t floor_ns_ = 0;  // what was last used before is not taken any more
  bool marks_left_out_ = false;
  std::optional<std::uint32_t> adding_;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_BUCKET_INDEX_H_
