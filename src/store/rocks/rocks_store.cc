#include "src/store/rocks/rocks_store.h"

#include <glog/logging.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "src/base/status_macros.h"
#include "src/store/gated_stores.h"
#include "src/store/rocks/committer.h"
#include "src/store/rocks/durable_files.h"
#include "src/store/rocks/fetched_views.h"
#include "src/store/rocks/presence_index.h"
#include "src/store/rocks/rocks_action_caches.h"
#include "src/store/rocks/rocks_blob_store.h"
#include "src/store/rocks/rocks_catch_up.h"
#include "src/store/rocks/rocks_collector.h"
#include "src/store/rocks/rocks_complete_results.h"
#include "src/store/rocks/rocks_database.h"
#include "src/store/rocks/rocks_outbox.h"
#include "src/store/rocks/space.h"
#include "src/store/rocks/uses.h"
#include "src/store/store_directory.h"

namespace smelt {
namespace {

using Family = RocksDatabase::Family;

constexpr auto kMeasureInterval = std::chrono::seconds(1);
constexpr std::int64_t kMendIntervalNanos = 1'000'000'000;  // each try reads the database's logs
constexpr char kBootIdPath[] = "/proc/sys/kernel/random/boot_id";
// In Family::kMeta while the store is open: the boot in which it was opened.
constexpr std::string_view kOpenedKey = "opened";

std::int64_t Share(std::int64_t bytes, double share) {
  return static_cast<std::int64_t>(static_cast<double>(bytes) * share);
}

class RocksDeferredPuts : public DeferredPuts {
 public:
  RocksDeferredPuts(RocksBlobStore& blobs, RocksActionCaches& actions) : blobs_(blobs), actions_(actions) {}

  std::int64_t blob_bytes_max() const override { return blobs_.deferred_bytes_max(); }
  void PutBlob(const Digest& digest, Bytes bytes, Done done) override {
    blobs_.Defer(digest, std::move(bytes), std::move(done));
  }
  void PutResult(std::string_view instance, const Digest& action, const ActionCache::ActionResult& result,
                 Done done) override {
    actions_.Defer(instance, action, result, std::move(done));
  }

 private:
  RocksBlobStore& blobs_;
  RocksActionCaches& actions_;
};

class RocksStoreOnDisk : public RocksStore {
 public:
  RocksStoreOnDisk(const RocksStoreOptions& options, UniqueFd lock, std::unique_ptr<RocksDatabase> database,
                   FileSystem& files, Clock& clock)
      : options_(options),
        files_(files),
        clock_(clock),
        lock_(std::move(lock)),
        database_(std::move(database)),
        blob_files_(options.directory, files),
        blob_uses_(*database_, Family::kBlobRows, blob_index_, clock, options.lease_seconds),
        action_uses_(*database_, Family::kActionRows, action_index_, clock, options.lease_seconds),
        outbox_(*database_, blob_index_, action_index_, clock, [this] { collector_.NoteFreed(); }),
        space_({.limit_bytes = options.limit_bytes,
                .high_bytes = Share(options.limit_bytes, options.high_watermark),
                .free_bytes_min = options.free_bytes_min},
               blob_index_, action_index_, database_->aside(), options.directory, files),
        gate_([this] { return database_->broken(); }, [this] { Mend(); }),
        committer_(*database_, options.outbox ? &outbox_ : nullptr, space_, gate_),
        blobs_({.tree_bytes_max = options.lsm_bytes_max, .blob_db_bytes_max = options.blob_bytes_max}, *database_,
               blob_files_, blob_uses_, committer_, space_, gate_),
        actions_(*database_, action_uses_, committer_, gate_),
        fetched_blobs_(blobs_),
        fetched_results_(actions_),
        deferred_puts_(blobs_, actions_),
        complete_results_(actions_, blobs_),
        collector_(*database_, blob_files_, blob_uses_, action_uses_),
        gated_outbox_(outbox_, gate_),
        catch_up_(blob_index_, blob_files_, gate_) {}

  ~RocksStoreOnDisk() override {
    {
      const std::lock_guard lock(mu_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (keeper_.joinable()) keeper_.join();
    if (started_) Report(Mark(""));
  }

  // The steps of opening. Nobody else uses the store yet.
  absl::Status Start() {
    RETURN_IF_ERROR(blob_files_.Prepare());
    RETURN_IF_ERROR(Load());
    started_ = true;
    space_.Measure();
    space_.Set([this] { Report(MakeRoom()); }, [this] { Wake(); });
    keeper_ = std::thread([this] { Keep(); });
    return absl::OkStatus();
  }

  BlobStore& blobs() override { return blobs_; }
  ActionCaches& actions() override { return actions_; }
  BlobStore& fetched_blobs() override { return fetched_blobs_; }
  ActionCaches& fetched_actions() override { return fetched_results_; }
  DeferredPuts& deferred_puts() override { return deferred_puts_; }
  CompleteResults& complete_results() override { return complete_results_; }
  Outbox* outbox() override { return options_.outbox ? &gated_outbox_ : nullptr; }
  const std::string& staging_directory() const override { return blob_files_.staging_directory(); }

  Usage GetUsage() override {
    Usage usage{.bytes = space_.bytes(),
                .limit_bytes = options_.limit_bytes,
                .blobs = blob_index_.entries(),
                .actions = action_index_.entries()};
    const std::int64_t now = blob_uses_.Now();
    std::int64_t oldest = now;
    for (Uses* uses : {&blob_uses_, &action_uses_}) {
      uses->index().ForEach([&](const PresenceIndex::Key&, const PresenceIndex::Entry& entry) {
        if (uses->IsLeased(entry)) usage.leased_bytes += static_cast<std::int64_t>(entry.bytes);
        oldest = std::min<std::int64_t>(oldest, entry.used);
      });
    }
    usage.oldest_use_seconds = now - oldest;
    usage.evicted_last_idle_seconds = collector_.last_idle_seconds();
    usage.corrupt_blobs = blobs_.corrupt();
    usage.read_only = space_.read_only() || database_->broken();
    usage.counted = blob_index_.filled();
    return usage;
  }

  absl::StatusOr<CollectionReport> Collect(bool dry_run, std::optional<std::int64_t> down_to_bytes) override {
    const Gate::Pass pass = gate_.Enter();
    RETURN_IF_ERROR(blob_index_.FillAll());
    space_.Measure();
    auto report = collector_.Collect(down_to_bytes.value_or(Target()), dry_run);
    if (report.ok() && report->blobs_removed > 0 && !dry_run) Report(database_->Compact(Family::kBlobDb));
    space_.Measure();
    return report;
  }

  absl::Status CatchUp() override {
    return catch_up_.Run([this] { return IsStopping(); });
  }

  absl::Status CompactForTest() override {
    const Gate::Pass pass = gate_.Enter();
    return database_->CompactAllForTest();
  }

 private:
  std::int64_t Target() const {
    return std::max<std::int64_t>(
        0, std::min(Share(options_.limit_bytes, options_.low_watermark), space_.bytes() - space_.MissingOnDisk()));
  }

  std::string BootId() { return files_.ReadFile(kBootIdPath).value_or("unknown"); }

  absl::Status Mark(const std::string& boot) {
    RocksDatabase::Batch batch(*database_);
    batch.Put(Family::kMeta, kOpenedKey, boot);
    return database_->Write(batch, RocksDatabase::Durability::kMachine);
  }

  bool IsTooSoon() const { return mend_failed_ns_ && clock_.NanosSince(*mend_failed_ns_) < kMendIntervalNanos; }

  // With nobody inside the gate.
  void Mend() {
    if (IsStopping() || IsTooSoon()) return;
    const auto begun_anew = database_->Mend();
    if (!begun_anew.ok()) mend_failed_ns_ = clock_.NowNanos();
    Report(begun_anew.status());
    if (begun_anew.ok() && *begun_anew) Report(Load());
  }

  // Makes everything in memory as the database and the files have it.
  absl::Status Load() {
    auto has_been_used = LoadRows();
    if (absl::IsDataLoss(has_been_used.status())) {
      RETURN_IF_ERROR(database_->Mend().status());
      has_been_used = LoadRows();
    }
    RETURN_IF_ERROR(has_been_used.status());
    if (!*has_been_used) RETURN_IF_ERROR(TakeUpFiles());
    return Mark(BootId());
  }

  // False if the database is new. Leases that were written but not synced are lost with the machine: then everything
  // counts as leased.
  absl::StatusOr<bool> LoadRows() {
    action_index_.Clear();
    outbox_.Forget();
    ASSIGN_OR_RETURN(const std::optional<std::string> opened, database_->Get(Family::kMeta, kOpenedKey));
    const bool leases_lost = opened.has_value() && !opened->empty() && *opened != BootId();
    ReadBlobsLater(leases_lost, /*is_new=*/!opened.has_value());
    RETURN_IF_ERROR(action_uses_.Load(leases_lost));
    RETURN_IF_ERROR(outbox_.Load());
    return opened.has_value();
  }

  // Files without rows were never acknowledged; rows without files are blobs that were going. Not so where the database
  // is new, and the files are to be taken up.
  void ReadBlobsLater(bool leases_lost, bool is_new) {
    catch_up_.Expect(/*stray_files=*/!is_new);
    blob_index_.FillLater([this, leases_lost, is_new](unsigned part) {
      return blob_uses_.ReadPart(part, leases_lost, [&](const Digest& digest, Place place) {
        return is_new || place != Place::kFile || blob_files_.IsThere(digest);
      });
    });
  }

  // The rows of these files were in a database that was set aside.
  absl::Status TakeUpFiles() {
    return blob_files_.ForEach([this](const Digest& digest) { return blobs_.TakeUp(digest); });
  }

  void Wake() {
    {
      const std::lock_guard lock(mu_);
      short_ = true;
    }
    wake_.notify_all();
  }

  // The store's own thread.
  void Keep() {
    std::unique_lock lock(mu_);
    while (!stopping_) {
      short_ = false;
      lock.unlock();
      LookAfter();
      lock.lock();
      wake_.wait_for(lock, kMeasureInterval, [this] { return stopping_ || short_; });
    }
  }

  void LookAfter() {
    if (options_.catch_up && !catch_up_.done()) Report(CatchUp());
    const Gate::Pass pass = gate_.Enter();
    space_.Measure();
    if (!space_.IsShort()) return;
    const std::int64_t before = space_.bytes();
    Report(MakeRoom());
    if (space_.bytes() < before) Report(database_->Compact(Family::kBlobDb));
  }

  // A database that was set aside goes before what somebody may ask for.
  absl::Status MakeRoom() {
    if (database_->aside().bytes() > 0) {
      database_->aside().Remove();
      space_.Measure();
      if (!space_.IsShort()) return absl::OkStatus();
    }
    RETURN_IF_ERROR(blob_index_.FillAll());
    return collector_.CollectIfUseful(Target());
  }

  bool IsStopping() {
    const std::lock_guard lock(mu_);
    return stopping_;
  }

  static void Report(const absl::Status& status) {
    if (!status.ok()) LOG(WARNING) << "store: " << status;
  }

  std::mutex mu_;
  std::condition_variable wake_;
  bool stopping_ = false;                       // guarded by mu_
  std::optional<std::int64_t> mend_failed_ns_;  // with nobody inside the gate
  bool short_ = false;                          // guarded by mu_

  // Constant after construction, or with a synchronisation of their own. In the order in which they need each other.
  const RocksStoreOptions options_;
  FileSystem& files_;
  Clock& clock_;
  const UniqueFd lock_;
  const std::unique_ptr<RocksDatabase> database_;
  PresenceIndex blob_index_;
  PresenceIndex action_index_;
  DurableFiles blob_files_;
  Uses blob_uses_;
  Uses action_uses_;
  RocksOutbox outbox_;
  Space space_;
  Gate gate_;
  Committer committer_;
  RocksBlobStore blobs_;
  RocksActionCaches actions_;
  FetchedBlobs fetched_blobs_;
  FetchedResults fetched_results_;
  RocksDeferredPuts deferred_puts_;
  RocksCompleteResults complete_results_;
  RocksCollector collector_;
  GatedOutbox gated_outbox_;
  RocksCatchUp catch_up_;
  bool started_ = false;  // of the thread that opens and closes

  std::thread keeper_;  // after all that it uses
};

}  // namespace

absl::StatusOr<std::unique_ptr<RocksStore>> RocksStore::Open(RocksStoreOptions options, FileSystem& files,
                                                             Clock& clock) {
  const std::string& directory = options.directory;
  ASSIGN_OR_RETURN(UniqueFd lock, TakeStoreDirectory(directory, files));
  auto database = RocksDatabase::Open(directory + "/db", files, clock);
  if (!database.ok()) return CannotUseStore(directory, database.status());
  auto store = std::make_unique<RocksStoreOnDisk>(options, std::move(lock), *std::move(database), files, clock);
  const absl::Status started = store->Start();
  if (!started.ok()) return CannotUseStore(directory, started);
  return store;
}

}  // namespace smelt
