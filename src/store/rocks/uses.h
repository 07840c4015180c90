#ifndef SMELT_STORE_ROCKS_USES_H_
#define SMELT_STORE_ROCKS_USES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/store/rocks/presence_index.h"
#include "src/store/rocks/rocks_database.h"
#include "src/store/rocks/row.h"

namespace smelt {

// When the entries of one family were last used, in an index and in the family's rows. A use is a lease: what was used
// is not evicted for `lease_seconds`.
//
// Rows say a time ahead of the clock (`granularity`), so that most uses write nothing and a lease never ends early
// because the process did. Thread-safe.
class Uses {
 public:
  Uses(RocksDatabase& database, RocksDatabase::Family rows, PresenceIndex& index, Clock& clock,
       std::int64_t lease_seconds)
      : database_(database), rows_(rows), index_(index), clock_(clock), lease_seconds_(lease_seconds) {}

  // Reads all rows into the index; with `lease_all` all count as used now. DATA_LOSS if they cannot be read.
  absl::Status Load(bool lease_all);

  // The rows of blobs that belong into one part of the index, those that `is_here` says. Otherwise as Load.
  using IsHere = std::function<bool(const Digest& digest, Place place)>;
  absl::StatusOr<PresenceIndex::Entries> ReadPart(unsigned part, bool lease_all, const IsHere& is_here);

  // Uses the entry now; what it is, or nothing. If its row is due, that goes to `batch`, which is made if there is
  // none, under the key that `row_key` makes.
  using RowKey = std::function<std::string()>;
  std::optional<PresenceIndex::Entry> Use(const PresenceIndex::Key& key, const RowKey& row_key,
                                          std::optional<RocksDatabase::Batch>& batch);

  // The same for one entry, whose row is written at once.
  std::optional<PresenceIndex::Entry> Use(const PresenceIndex::Key& key, const RowKey& row_key);

  // An entry that is used now for the first time; its row goes to `batch`.
  PresenceIndex::Entry Begin(Place place, std::int64_t bytes, std::string_view row_key, RocksDatabase::Batch& batch);

  // Writes rows that Use put there. What cannot be written is a lease that a restart may end: logged, no more.
  void WriteRows(std::optional<RocksDatabase::Batch>& batch);

  bool IsLeased(const PresenceIndex::Entry& entry) const { return entry.used + lease_seconds_ > Now(); }
  std::int64_t Now() const { return clock_.NowNanos() / 1'000'000'000; }
  std::int64_t lease_seconds() const { return lease_seconds_; }

  PresenceIndex& index() { return index_; }
  RocksDatabase::Family rows() const { return rows_; }

 private:
  std::uint32_t Granularity() const;
  PresenceIndex::Entry EntryOf(const Row& row, bool lease_all) const;

  RocksDatabase& database_;
  const RocksDatabase::Family rows_;
  PresenceIndex& index_;
  Clock& clock_;
  const std::int64_t lease_seconds_;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_USES_H_
