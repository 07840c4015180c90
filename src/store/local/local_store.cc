#include "src/store/local/local_store.h"

#include <glog/logging.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "src/base/status_macros.h"
#include "src/store/gated_stores.h"
#include "src/store/local/action_table.h"
#include "src/store/local/blob_files.h"
#include "src/store/local/blob_index.h"
#include "src/store/local/collector.h"
#include "src/store/local/database.h"
#include "src/store/local/database_table.h"
#include "src/store/local/handover.h"
#include "src/store/local/local_blob_store.h"
#include "src/store/local/local_output_files.h"
#include "src/store/local/spares.h"
#include "src/store/store_directory.h"

namespace smelt {
namespace {

constexpr auto kFlushInterval = std::chrono::seconds(5);

class LocalStoreOnRocksDb : public LocalStore {
 public:
  LocalStoreOnRocksDb(LocalStoreOptions options, UniqueFd lock, std::unique_ptr<Database> database, FileSystem& files,
                      Clock& clock)
      : options_(std::move(options)),
        clock_(clock),
        lock_(std::move(lock)),
        database_(std::move(database)),
        gate_([this] { return database_->broken(); }, [this] { Mend(); }),
        index_(*database_, clock, [this] { NoteGrowth(); }),
        blob_files_(options_.directory, files, clock),
        spares_(index_, blob_files_, files, clock, gate_, options_),
        handover_(index_, blob_files_, spares_, files, gate_),
        blobs_(index_, blob_files_, spares_, handover_, files, options_),
        outputs_(index_, blob_files_, spares_, handover_, blobs_, files, gate_),
        actions_(*database_),
        collector_(index_, blob_files_, spares_, actions_),
        gated_blobs_(blobs_, gate_),
        gated_actions_(actions_, gate_) {}

  ~LocalStoreOnRocksDb() override {
    {
      const std::lock_guard lock(mu_);
      stopping_ = true;
    }
    wake_.notify_all();
    handover_.Stop();
    spares_.Stop();
    if (keeper_.joinable()) keeper_.join();
    const absl::Status flushed = index_.Flush();
    if (!flushed.ok()) LOG(WARNING) << "times of use were not written: " << flushed;
  }

  // Last step of Open: nobody else uses the store yet.
  absl::Status Start() {
    RETURN_IF_ERROR(blob_files_.Prepare());
    snapshot_.emplace(*database_);
    spares_.Start();
    if (options_.hand_over) handover_.Start();
    keeper_ = std::thread([this] { Keep(); });
    return absl::OkStatus();
  }

  BlobStore& blobs() override { return gated_blobs_; }
  ActionCache& actions() override { return gated_actions_; }
  OutputFiles& outputs() override { return outputs_; }

  Table& table(std::string_view name) override {
    const std::lock_guard lock(mu_);
    auto& table = tables_[std::string(name)];
    if (table == nullptr) table = std::make_unique<DatabaseTable>(*database_, gate_, name);
    return *table;
  }

  StoreUsage Usage() override {
    counted_.WaitForNotification();
    const Gate::Pass pass = gate_.Enter();
    const std::int64_t now = clock_.NowNanos() / 1'000'000'000;
    std::int64_t oldest = now;
    const absl::Status scanned =
        index_.ForEachUse([&oldest](const Digest&, std::int64_t seconds) { oldest = std::min(oldest, seconds); });
    if (!scanned.ok()) LOG(WARNING) << scanned;
    return {.bytes = index_.bytes(),
            .limit_bytes = options_.limit_bytes,
            .blobs = index_.blobs(),
            .actions = actions_.actions(),
            .oldest_use_seconds = now - oldest,
            .corrupt_blobs = blob_files_.corrupt(),
            .spare_bytes = spares_.bytes()};
  }

  absl::StatusOr<CollectionReport> Collect(bool dry_run, std::optional<std::int64_t> down_to_bytes) override {
    counted_.WaitForNotification();
    const Gate::Pass pass = gate_.Enter();
    return CollectNow(dry_run, down_to_bytes);
  }

  void MakeSparesForTest() override {
    handover_.TakeBack([] { return false; });
    spares_.Make();
  }

  absl::Status CompactForTest() override {
    const Gate::Pass pass = gate_.Enter();
    return database_->CompactAllForTest();
  }

 private:
  absl::StatusOr<CollectionReport> CollectNow(bool dry_run, std::optional<std::int64_t> down_to_bytes) {
    if (IsFull() && !dry_run) database_->aside().Remove();
    const bool full = IsFull();
    const auto low = static_cast<std::int64_t>(options_.low_watermark * static_cast<double>(options_.limit_bytes));
    return collector_.Collect(down_to_bytes.value_or(full ? low : options_.limit_bytes), dry_run);
  }

  bool IsFull() const { return index_.bytes() + database_->aside().bytes() > options_.limit_bytes; }

  // With nobody inside the gate.
  void Mend() {
    const bool counting = snapshot_.has_value();
    snapshot_.reset();
    const auto begun_anew = database_->Mend();
    Report(begun_anew.status());
    if (!begun_anew.ok()) return;
    if (*begun_anew) {
      index_.NoteBegunAnew();
      actions_.NoteBegunAnew();
    } else if (counting) {
      snapshot_.emplace(*database_);
    }
  }

  void NoteGrowth() {
    if (!IsFull()) return;
    {
      const std::lock_guard lock(mu_);
      full_ = true;
    }
    wake_.notify_all();
  }

  // The store's own thread.
  void Keep() {
    Count();
    database_->SyncOpening();
    std::unique_lock lock(mu_);
    while (!stopping_) {
      const std::uint64_t writes_before = database_->writes();
      wake_.wait_for(lock, kFlushInterval, [this] { return stopping_ || full_; });
      if (stopping_) break;
      const bool collect = std::exchange(full_, false);
      lock.unlock();
      LookAfter(collect, /*idle=*/database_->writes() == writes_before);
      lock.lock();
    }
  }

  void LookAfter(bool collect, bool idle) {
    const Gate::Pass pass = gate_.Enter();
    if (collect) Report(CollectNow(/*dry_run=*/false, std::nullopt).status());
    Report(index_.Flush());
    if (idle) Report(database_->FlushMemtables());
  }

  void Count() {
    const Gate::Pass pass = gate_.Enter();
    if (snapshot_.has_value()) {
      Report(index_.Count(*snapshot_));
      Report(actions_.Count(*snapshot_));
    }
    snapshot_.reset();
    counted_.Notify();
    NoteGrowth();
  }

  static void Report(const absl::Status& status) {
    if (!status.ok()) LOG(WARNING) << "store: " << status;
  }

  // Constant after construction, or with a synchronisation of their own. In the order in which they need each other.
  const LocalStoreOptions options_;
  Clock& clock_;
  const UniqueFd lock_;
  const std::unique_ptr<Database> database_;
  Gate gate_;
  BlobIndex index_;
  BlobFiles blob_files_;
  Spares spares_;
  Handover handover_;
  LocalBlobStore blobs_;
  LocalOutputFiles outputs_;
  ActionTable actions_;
  Collector collector_;
  GatedBlobStore gated_blobs_;
  GatedActionCache gated_actions_;

  std::optional<Database::Snapshot> snapshot_;  // until counted; of keeper_ inside the gate, and of Mend
  absl::Notification counted_;                  // the totals are complete

  std::mutex mu_;
  std::condition_variable wake_;
  bool stopping_ = false;                                 // guarded by mu_
  bool full_ = false;                                     // guarded by mu_
  std::map<std::string, std::unique_ptr<Table>> tables_;  // guarded by mu_

  std::thread keeper_;  // after all that it uses
};

}  // namespace

absl::StatusOr<std::unique_ptr<LocalStore>> LocalStore::Open(LocalStoreOptions options, FileSystem& files,
                                                             Clock& clock) {
  const std::string directory = options.directory;
  ASSIGN_OR_RETURN(UniqueFd lock, TakeStoreDirectory(directory, files));
  auto database = Database::Open(directory + "/db", files, clock);
  if (!database.ok()) return CannotUseStore(directory, database.status());
  auto store =
      std::make_unique<LocalStoreOnRocksDb>(std::move(options), std::move(lock), *std::move(database), files, clock);
  const absl::Status started = store->Start();
  if (!started.ok()) return CannotUseStore(directory, started);
  return store;
}

}  // namespace smelt
