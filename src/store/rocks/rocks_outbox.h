#ifndef SMELT_STORE_ROCKS_ROCKS_OUTBOX_H_
#define SMELT_STORE_ROCKS_ROCKS_OUTBOX_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/clock.h"
#include "src/store/outbox.h"
#include "src/store/rocks/presence_index.h"
#include "src/store/rocks/rocks_database.h"

namespace smelt {

// The outbox as rows of the database. An entry is shown once its batch is written and its `pending` counted, and none
// is shown before an earlier one, so that a reader who goes on from what it has seen misses nothing. Thread-safe.
class RocksOutbox : public Outbox {
 public:
  // `on_confirmed` is called after entries were confirmed.
  RocksOutbox(RocksDatabase& database, PresenceIndex& blobs, PresenceIndex& actions, Clock& clock,
              std::function<void()> on_confirmed)
      : database_(database), blobs_(blobs), actions_(actions), clock_(clock), on_confirmed_(std::move(on_confirmed)) {}

  // Reads what is there; both indexes are loaded. Not thread-safe.
  absl::Status Load();

  // As if nothing were there; sequences go on. Not thread-safe.
  void Forget();

  // One entry on its way into the database: hidden until this is destroyed.
  class Ticket {
   public:
    Ticket(RocksOutbox& outbox, std::uint64_t sequence) : outbox_(&outbox), sequence_(sequence) {}
    Ticket(Ticket&& other) noexcept
        : outbox_(std::exchange(other.outbox_, nullptr)), sequence_(other.sequence_), bytes_(other.bytes_) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

    // Its batch was written.
    void Written(std::int64_t bytes) { bytes_ = bytes; }

   private:
    RocksOutbox* outbox_;
    std::uint64_t sequence_;
    std::int64_t bytes_ = -1;
  };
  Ticket Add(RocksDatabase::Batch& batch, Kind kind, std::string_view instance, const Digest& digest,
             std::int64_t bytes);

  absl::StatusOr<std::vector<Entry>> Next(std::uint64_t after, std::size_t entries_max) override;
  absl::Status Confirm(absl::Span<const std::uint64_t> sequences) override;
  Backlog Pending() override;

 private:
  void End(std::uint64_t sequence, std::int64_t bytes);
  std::uint64_t FirstHidden();
  PresenceIndex::Key KeyOf(const Entry& entry) const;
  PresenceIndex& IndexOf(Kind kind) { return kind == Kind::kBlob ? blobs_ : actions_; }

  RocksDatabase& database_;
  PresenceIndex& blobs_;
  PresenceIndex& actions_;
  Clock& clock_;
  const std::function<void()> on_confirmed_;

  std::mutex confirm_mu_;  // held during Confirm

  std::mutex mu_;
  std::uint64_t next_ = 1;                 // guarded by mu_
  std::set<std::uint64_t> in_flight_;      // guarded by mu_
  std::atomic<std::uint64_t> oldest_ = 0;  // no row is before it
  std::atomic<std::int64_t> entries_ = 0;
  std::atomic<std::int64_t> bytes_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_OUTBOX_H_
