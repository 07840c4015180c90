#include "src/store/s3/outbox_uploader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "glog/logging.h"
#include "src/base/kill_point.h"
#include "src/base/status_macros.h"
#include "src/reapi/bounded_parse.h"

namespace smelt {
namespace {

bool IsGone(const absl::Status& status) { return absl::IsNotFound(status) || absl::IsDataLoss(status); }

}  // namespace

OutboxUploader::OutboxUploader(OutboxUploaderOptions options, Outbox& outbox, BlobStore& blobs, ActionCaches& actions,
                               BucketStore& bucket)
    : options_(options), outbox_(outbox), blobs_(blobs), actions_(actions), bucket_(bucket) {
  thread_ = std::thread([this] { Run(); });
}

OutboxUploader::~OutboxUploader() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  wake_.notify_all();
  progress_.notify_all();
  thread_.join();
}

void OutboxUploader::Run() {
  if (const absl::Status seen = bucket_.Refresh(); !seen.ok()) LOG(WARNING) << "the bucket cannot be read: " << seen;
  std::unique_lock lock(mu_);
  while (!ending_) {
    lock.unlock();
    const absl::Status sent = SendBatch();
    lock.lock();
    ++rounds_;
    failing_ = sent;
    if (!sent.ok()) ++failures_;
    progress_.notify_all();
    const bool more = sent.ok() && outbox_.Pending().entries > 0;
    if (more) continue;
    const std::int64_t pause_ms = sent.ok() ? options_.poll_ms : options_.retry_ms;
    wake_.wait_for(lock, std::chrono::milliseconds(pause_ms), [&] { return ending_ || draining_; });
    draining_ = false;
  }
}

absl::Status OutboxUploader::SendBatch() {
  ASSIGN_OR_RETURN(const std::vector<Entry> entries, outbox_.Next(0, options_.batch_entries));
  if (entries.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(SendAll(entries));
  RETURN_IF_ERROR(bucket_.Flush());
  SMELT_KILL_POINT("s3.outbox.sent_unconfirmed");
  std::vector<std::uint64_t> sequences;
  for (const Entry& entry : entries) sequences.push_back(entry.sequence);
  RETURN_IF_ERROR(outbox_.Confirm(sequences));
  const std::lock_guard lock(mu_);
  sent_ += static_cast<std::int64_t>(entries.size());
  return absl::OkStatus();
}

// Blobs by many threads, then results in their order: so that no result is there before what it names.
absl::Status OutboxUploader::SendAll(const std::vector<Entry>& entries) {
  std::atomic<std::size_t> next{0};
  std::mutex mu;
  absl::Status failed;  // guarded by mu
  const auto work = [&] {
    for (std::size_t i = next++; i < entries.size(); i = next++) {
      if (entries[i].kind != Outbox::Kind::kBlob) continue;
      if (const absl::Status sent = Send(entries[i]); !sent.ok()) {
        const std::lock_guard lock(mu);
        failed.Update(sent);
        next = entries.size();
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < std::min<int>(options_.threads, static_cast<int>(entries.size())); ++i)
    threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  for (const Entry& entry : entries) {
    if (failed.ok() && entry.kind == Outbox::Kind::kAction) failed = Send(entry);
  }
  return failed;
}

absl::Status OutboxUploader::Send(const Entry& entry) {
  absl::Status read;
  if (entry.kind == Outbox::Kind::kBlob) {
    absl::StatusOr<Bytes> bytes = blobs_.Get(entry.digest);
    if (bytes.ok()) return bucket_.Put(entry.digest, *std::move(bytes));
    read = bytes.status();
  } else {
    const auto result = ResultOf(entry);
    if (result.ok()) return bucket_.Of(entry.instance)->Put(entry.digest, *result);
    read = result.status();
  }
  if (!IsGone(read)) return read;
  const std::lock_guard lock(mu_);
  ++dropped_;
  return absl::OkStatus();
}

// NOT_FOUND also for one that no bucket takes.
absl::StatusOr<ActionCache::ActionResult> OutboxUploader::ResultOf(const Entry& entry) {
  ASSIGN_OR_RETURN(ActionCache::ActionResult result, actions_.Of(entry.instance)->Get(entry.digest));
  const absl::Status fits = reapi::CheckResultSize(result);
  if (fits.ok()) return result;
  LOG(WARNING) << "a result stays out of the bucket: " << fits.message();
  return absl::NotFoundError(fits.message());
}

absl::Status OutboxUploader::Drain() {
  std::unique_lock lock(mu_);
  std::int64_t failures = failures_;
  for (;;) {
    if (ending_) return absl::UnavailableError("the uploader is ending");
    if (outbox_.Pending().entries == 0) return absl::OkStatus();
    if (failures_ > failures) return failing_;
    draining_ = true;
    wake_.notify_all();
    const std::int64_t rounds = rounds_;
    progress_.wait(lock, [&] { return rounds_ > rounds || ending_; });
  }
}

OutboxUploader::Statistics OutboxUploader::GetStatistics() {
  const Outbox::Backlog backlog = outbox_.Pending();
  const std::lock_guard lock(mu_);
  return {backlog, sent_, dropped_, failures_, failing_};
}

}  // namespace smelt
