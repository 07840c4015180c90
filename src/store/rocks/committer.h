#ifndef SMELT_STORE_ROCKS_COMMITTER_H_
#define SMELT_STORE_ROCKS_COMMITTER_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "src/digest/digest.h"
#include "src/store/bytes.h"
#include "src/store/gate.h"
#include "src/store/outbox.h"
#include "src/store/rocks/presence_index.h"
#include "src/store/rocks/recent_values.h"
#include "src/store/rocks/rocks_database.h"
#include "src/store/rocks/rocks_outbox.h"
#include "src/store/rocks/space.h"
#include "src/store/rocks/uses.h"

namespace smelt {

// Acknowledges what comes into the store. Whatever waits goes into one batch, which is synced once: values, their rows,
// which are the leases, and the outbox; what comes meanwhile is the next batch. One that holds only what was fetched is
// not synced, since that can be fetched again. One thread does it, since a second one makes the batches smaller and the
// syncs more, and it asks to have a processor soon after each sync. Thread-safe.
class Committer {
 public:
  // What comes in. A blob that is here already is only used once more; a result takes the place of the one before it.
  struct Entry {
    Uses* uses = nullptr;
    PresenceIndex::Key presence;
    std::string key;  // of the row, and of the value
    Place place = Place::kTree;
    Bytes value;                     // in memory; none for Place::kFile
    std::int64_t size = 0;           // what it counts as in the store
    RecentValues* recent = nullptr;  // keeps the value, by `recent_key`; may be null
    Digest recent_key;
    bool fetched = false;  // from a far store, which has it: neither synced nor for the outbox, which names it so:
    Outbox::Kind kind = Outbox::Kind::kBlob;
    std::string instance;
    Digest digest;
  };
  using Done = std::function<void(absl::Status)>;

  // At most so many wait at once.
  static constexpr std::size_t kWaitingMax = 20'000;

  // What it uses lives longer than this. `outbox` may be null. Its own threads commit inside the gate.
  Committer(RocksDatabase& database, RocksOutbox* outbox, Space& space, Gate& gate);

  // Commits what waits.
  ~Committer();

  // Returns at once. `done` is called when the entry is on the disk, with OK, or with the error of the disk, of Space
  // or, when too many wait, UNAVAILABLE: once, on a thread that it must not block.
  void Add(Entry entry, Done done);

  // Add, and waits. Not for who has a claim or is inside the gate.
  absl::Status Put(Entry entry);

  // Commits one entry on this thread, which has its claim and room for it.
  absl::Status Commit(const PresenceIndex::Claim& claim, const Entry& entry, RocksDatabase::Durability durability);

  // Where a place's values are; not for Place::kFile.
  static RocksDatabase::Family FamilyOf(Place place);

 private:
  struct Waiting {
    Entry entry;
    Done done;
    absl::Status status;
  };
  class Group;

  void Run();
  std::vector<Waiting> TakeGroup();
  void CommitGroup(std::vector<Waiting>& group);

  RocksDatabase& database_;
  RocksOutbox* const outbox_;
  Space& space_;
  Gate& gate_;

  std::mutex mu_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;  // guarded by mu_
  bool idle_ = false;            // guarded by mu_
  bool ending_ = false;          // guarded by mu_
  std::thread thread_;           // after all that it uses
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_COMMITTER_H_
