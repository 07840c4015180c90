#ifndef SMELT_STORE_ROCKS_PRESENCE_INDEX_H_
#define SMELT_STORE_ROCKS_PRESENCE_INDEX_H_

#include <array>
#include <atomic>
#include <bitset>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/digest/digest.h"
#include "src/store/rocks/row.h"

namespace smelt {

// What is here and when it was last used, in memory: the answer to FindMissing, and who may be evicted. 33 bytes an
// entry in a full table, up to 80 in one that has just grown (docs/performance.md has the curve). Keys are the first
// half of a SHA-256, so that two of them meet by chance never; whoever brings two together on purpose gets a miss,
// since bytes are always read by their whole digest.
//
// It can be filled late (FillLater), in parts, by the first bits of the digest: whoever asks for a key of a part, or
// claims one, reads the part first, so that nobody sees or changes one that is not whole. A part that cannot be read is
// as if nothing were in it, and is read when it is next asked for.
//
// Who changes what the database holds of a key has claimed the key; others who want to wait. Thread-safe.
class PresenceIndex {
 public:
  struct Key {
    std::uint64_t high = 0, low = 0;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), key.low);
    }
  };
  static Key KeyOf(const Digest& digest);

  struct Entry {
    std::uint64_t bytes : 48 = 0;
    std::uint64_t place : 2 = 0;
    std::uint64_t pending : 14 = 0;  // rows in the outbox; kPendingMax stays
    std::uint32_t used = 0;          // second since 1970
    std::uint32_t used_until = 0;    // what the database says
  };
  static constexpr unsigned kPendingMax = (1 << 14) - 1;

  static constexpr unsigned kPartBits = 12;
  static constexpr unsigned kParts = 1 << kPartBits;

  // Forgets all, and has `read` give the entries of each part when they are first needed: under a lock, on
  // the thread that needs them, as often as it fails. Not while others use the index, but for its counts and ForEach.
  using Entries = std::vector<std::pair<Key, Entry>>;
  using Read = std::function<absl::StatusOr<Entries>(unsigned part)>;
  void FillLater(Read read);

  // Reads one part, that of a key, or all of them, unless that has been done. An error is that of `read`.
  absl::Status Fill(unsigned part);
  absl::Status FillFor(const Key& key) { return Fill(PartOf(key)); }
  absl::Status FillAll();

  // An order of the parts in which threads that take one after the other are least in each other's way.
  static constexpr unsigned PartInOrder(unsigned place) { return place % kStripes * kPartsOfStripe + place / kStripes; }

  // Every part has been read: the counts count everything.
  bool filled() const { return unfilled_ == 0; }

  // What was read elsewhere; not in place of what is here.
  void Add(const Key& key, const Entry& entry);

  // A use at the second `now`: what there is, or nothing. If `row_due` is set the database says less than `now`:
  // the caller writes the entry's new `used_until`, which is `now` + `granularity`.
  struct Found {
    Entry entry;
    bool row_due = false;
  };
  std::optional<Found> Use(const Key& key, std::uint32_t now, std::uint32_t granularity);

  // The sole right to change one key; waits until nobody else has it. Given back when destroyed.
  class Claim {
   public:
    Claim(Claim&& other) noexcept : index_(std::exchange(other.index_, nullptr)), key_(other.key_) {}
    Claim& operator=(Claim&&) = delete;
    ~Claim();

    std::optional<Entry> Get() const;
    // Here from now on, in place of what was. Its `pending` is added to what is pending already.
    void Set(const Entry& entry) const;
    // Not here any more.
    void Erase() const;

   private:
    friend class PresenceIndex;
    Claim(PresenceIndex& index, const Key& key) : index_(&index), key_(key) {}
    PresenceIndex* index_;
    Key key_;
  };
  Claim Wait(const Key& key);

  // Takes the entry out and claims its key if it is here, nobody has claimed it and `may_go` says so.
  using MayGo = std::function<bool(const Entry&)>;
  struct Taken {
    Claim claim;
    Entry entry;
  };
  std::optional<Taken> TakeOut(const Key& key, const MayGo& may_go);

  // A row of the outbox came or went. Fills nothing.
  void ChangePending(const Key& key, int by);

  // Each entry that has been read once, with some lock held; those that come or go meanwhile perhaps.
  void ForEach(const std::function<void(const Key& key, const Entry&)>& visit);

  // Nothing is here, and nothing is to be read. Not while others add or claim.
  void Clear();

  std::int64_t entries() const { return entries_; }
  std::int64_t bytes() const { return bytes_; }

 private:
  // Each locked for itself. Few for so many parts, since lookups in few large tables are faster.
  static constexpr unsigned kPartsOfStripe = 16;
  static constexpr unsigned kStripes = kParts / kPartsOfStripe;

  struct Stripe {
    std::mutex mu;
    std::condition_variable released;
    std::bitset<kPartsOfStripe> unfilled;     // guarded by mu, as is the rest
    absl::flat_hash_map<Key, Entry> entries;  //
    absl::flat_hash_set<Key> claimed;         //
    absl::flat_hash_map<Key, int> pending;    // of keys that are not here, until all is filled
  };

  static unsigned PartOf(const Key& key) { return static_cast<unsigned>(key.high >> (64 - kPartBits)); }
  Stripe& StripeOf(unsigned part) { return stripes_[part / kPartsOfStripe]; }
  Stripe& StripeOf(const Key& key) { return StripeOf(PartOf(key)); }
  bool IsFilledLocked(unsigned part) { return !StripeOf(part).unfilled[part % kPartsOfStripe]; }
  std::unique_lock<std::mutex> LockFilled(const Key& key);
  absl::Status FillLocked(unsigned part);
  void AddLocked(Stripe& stripe, const Key& key, const Entry& entry);
  void Reset(bool filled);
  void Release(const Key& key);

  std::array<Stripe, kStripes> stripes_;
  Read read_;  // constant while others use the index
  std::atomic<unsigned> unfilled_ = 0;
  std::atomic<std::int64_t> entries_ = 0;
  std::atomic<std::int64_t> bytes_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_PRESENCE_INDEX_H_
