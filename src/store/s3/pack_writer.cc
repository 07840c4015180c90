#include "src/store/s3/pack_writer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "src/base/kill_point.h"
#include "src/store/s3/bucket_format.h"

namespace smelt {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string HashText(const Digest& name) { return {reinterpret_cast<const char*>(name.hash.data()), name.hash.size()}; }

}  // namespace

PackWriter::PackWriter(PackWriterOptions options, ObjectStore& objects, BucketIndex& index, Clock& clock)
    : options_(std::move(options)), objects_(objects), index_(index), clock_(clock) {
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Work(); });
}

PackWriter::~PackWriter() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  work_.notify_all();
  done_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::int64_t PackWriter::NextTime() {
  const std::lock_guard lock(mu_);
  return last_time_ns_ = std::max(clock_.NowNanos(), last_time_ns_ + 1);
}

void PackWriter::After(std::int64_t time_ns) {
  const std::lock_guard lock(mu_);
  last_time_ns_ = std::max(last_time_ns_, time_ns);
}

absl::Status PackWriter::Put(const Digest& name, Payload payload) {
  Lock lock(mu_);
  done_.wait(lock, [&] { return pending_bytes_ < options_.pending_bytes_max || !failing_.ok() || ending_; });
  if (pending_bytes_ >= options_.pending_bytes_max) {
    return failing_.ok() ? absl::UnavailableError("the bucket's writer is ending") : failing_;
  }
  if (open_ == nullptr) {
    open_ = std::make_shared<Batch>();
    open_->opened = steady_clock::now();
  }
  const auto bytes = static_cast<std::int64_t>(payload.stored.size());
  Payload& held = open_->payloads[name];
  const std::int64_t growth = bytes - static_cast<std::int64_t>(held.stored.size());
  held = std::move(payload);
  open_->bytes += growth;
  pending_bytes_ += growth;
  if (open_->bytes >= options_.pack_bytes) SealOpen();
  work_.notify_one();
  return absl::OkStatus();
}

void PackWriter::SealOpen() {
  if (open_ == nullptr) return;
  last_time_ns_ = open_->sealed_ns = std::max(clock_.NowNanos(), last_time_ns_ + 1);
  sealed_.push_back(std::exchange(open_, nullptr));
}

void PackWriter::Publish(bucket::v1::Pack object) {
  const std::lock_guard lock(mu_);
  AddWaiting(std::move(object));
  work_.notify_one();
}

void PackWriter::AddWaiting(bucket::v1::Pack pack) {
  if (waiting_.packs().empty()) packs_due_ = steady_clock::now() + milliseconds(options_.seal_after_ms);
  *waiting_.add_packs() = std::move(pack);
  ++added_;
}

void PackWriter::Publish(std::vector<bucket::v1::Mark> marks) {
  if (marks.empty()) return;
  const std::lock_guard lock(mu_);
  if (waiting_.marks_size() == 0) marks_due_ = steady_clock::now() + milliseconds(options_.marks_after_ms);
  for (bucket::v1::Mark& mark : marks) *waiting_.add_marks() = std::move(mark);
  ++added_;
  work_.notify_one();
}

const PackWriter::Payload* PackWriter::FindHeld(const Digest& name) const {
  const Payload* latest = nullptr;
  std::int64_t latest_ns = -1;
  const auto look = [&](const Batch& batch, std::int64_t sealed_ns) {
    const auto found = batch.payloads.find(name);
    if (found == batch.payloads.end() || sealed_ns <= latest_ns) return;
    latest = &found->second;
    latest_ns = sealed_ns;
  };
  for (const auto& batch : uploading_) look(*batch, batch->sealed_ns);
  for (const auto& batch : sealed_) look(*batch, batch->sealed_ns);
  if (open_ != nullptr) look(*open_, std::numeric_limits<std::int64_t>::max());
  return latest;
}

std::optional<PackWriter::Payload> PackWriter::Find(const Digest& name) {
  const std::lock_guard lock(mu_);
  const Payload* held = FindHeld(name);
  return held == nullptr ? std::nullopt : std::optional(*held);
}

bool PackWriter::Holds(const Digest& name) {
  const std::lock_guard lock(mu_);
  return FindHeld(name) != nullptr;
}

PackWriter::Pending PackWriter::GetPending() {
  const std::lock_guard lock(mu_);
  Pending pending;
  pending.bytes = pending_bytes_;
  if (open_ != nullptr) pending.payloads += static_cast<std::int64_t>(open_->payloads.size());
  for (const auto& batch : sealed_) pending.payloads += static_cast<std::int64_t>(batch->payloads.size());
  for (const auto& batch : uploading_) pending.payloads += static_cast<std::int64_t>(batch->payloads.size());
  pending.payloads += waiting_.packs_size();
  return pending;
}

absl::Status PackWriter::Flush() {
  Lock lock(mu_);
  SealOpen();
  if (!failing_.ok()) retry_at_ = steady_clock::now();
  const std::int64_t failures = failures_;
  const std::int64_t until_ns = last_time_ns_;
  const auto is_before = [&](const std::shared_ptr<Batch>& batch) { return batch->sealed_ns <= until_ns; };
  std::optional<std::int64_t> publication;  // number of what must be published, once all is uploaded
  work_.notify_all();
  for (;;) {
    if (failures_ > failures) return failing_;
    if (ending_) return absl::UnavailableError("the bucket's writer is ending");
    const bool uploaded = std::none_of(sealed_.begin(), sealed_.end(), is_before) &&
                          std::none_of(uploading_.begin(), uploading_.end(), is_before);
    if (uploaded && !publication) publication = added_;
    if (publication && published_ >= *publication) return absl::OkStatus();
    if (publication && publishing_ == 0) {
      PublishWaiting(lock);
    } else {
      done_.wait(lock);
    }
  }
}

bool PackWriter::OpenIsDue() const {
  return open_ != nullptr && steady_clock::now() >= open_->opened + milliseconds(options_.seal_after_ms);
}

bool PackWriter::HasToPublish() const {
  const steady_clock::time_point now = steady_clock::now();
  const bool packs_due = waiting_.packs_size() > 0 && now >= packs_due_;
  const bool marks_due = waiting_.marks_size() > 0 && now >= marks_due_;
  return publishing_ == 0 && (packs_due || marks_due);
}

bool PackWriter::HasWork() const {
  if (!failing_.ok() && steady_clock::now() < retry_at_) return false;
  return !sealed_.empty() || OpenIsDue() || HasToPublish();
}

void PackWriter::Wait(Lock& lock) {
  std::optional<steady_clock::time_point> until;
  const auto at = [&](steady_clock::time_point time) { until = until ? std::min(*until, time) : time; };
  if (!failing_.ok()) at(retry_at_);
  if (failing_.ok() && open_ != nullptr) at(open_->opened + milliseconds(options_.seal_after_ms));
  if (failing_.ok() && waiting_.packs_size() > 0) at(packs_due_);
  if (failing_.ok() && waiting_.marks_size() > 0) at(marks_due_);
  if (until && publishing_ == 0) {
    work_.wait_until(lock, *until);
  } else {
    work_.wait(lock);
  }
}

void PackWriter::Work() {
  Lock lock(mu_);
  while (!ending_) {
    if (!HasWork()) {
      Wait(lock);
      continue;
    }
    if (OpenIsDue()) SealOpen();
    if (!sealed_.empty()) {
      std::shared_ptr<Batch> batch = sealed_.front();
      sealed_.pop_front();
      Upload(lock, std::move(batch));
    }
    if (HasToPublish() && !ending_) PublishWaiting(lock);
  }
}

void PackWriter::Upload(Lock& lock, std::shared_ptr<Batch> batch) {
  uploading_.push_back(batch);
  lock.unlock();
  bucket::v1::Pack pack;
  pack.set_key(PackKey(batch->sealed_ns, options_.writer));
  pack.set_sealed_ns(batch->sealed_ns);
  std::string contents;
  for (const auto& [name, payload] : batch->payloads) {
    bucket::v1::Payload* entry = pack.add_payloads();
    entry->set_hash(HashText(name));
    entry->set_size(name.size);
    entry->set_offset(static_cast<std::int64_t>(contents.size()));
    entry->set_stored_size(static_cast<std::int64_t>(payload.stored.size()));
    entry->set_zstd(payload.zstd);
    contents += payload.stored;
  }
  pack.set_size(static_cast<std::int64_t>(contents.size()));
  const absl::Status put = objects_.Put(pack.key(), Bytes(std::move(contents)));
  SMELT_KILL_POINT("s3.write.pack_without_index");
  if (put.ok()) index_.Add(pack, BucketIndex::By::kUs);
  lock.lock();
  uploading_.erase(std::find(uploading_.begin(), uploading_.end(), batch));
  if (put.ok()) {
    pending_bytes_ -= batch->bytes;
    AddWaiting(std::move(pack));
  } else {
    sealed_.push_front(std::move(batch));
    Failed(put);
  }
  done_.notify_all();
}

void PackWriter::PublishWaiting(Lock& lock) {
  bucket::v1::Index index;
  index.Swap(&waiting_);
  const std::int64_t added = added_;
  ++publishing_;
  const std::int64_t now_ns = last_time_ns_ = std::max(clock_.NowNanos(), last_time_ns_ + 1);
  lock.unlock();
  const absl::Status put = objects_.Put(IndexKey(now_ns, options_.writer), Bytes(EncodeIndex(index)));
  lock.lock();
  --publishing_;
  if (put.ok()) {
    failing_ = absl::OkStatus();
    published_ = added;
  } else {
    waiting_.MergeFrom(index);
    Failed(put);
  }
  done_.notify_all();
  work_.notify_one();
}

void PackWriter::Failed(const absl::Status& status) {
  failing_ = status;
  ++failures_;
  retry_at_ = steady_clock::now() + milliseconds(options_.retry_ms);
}

}  // namespace smelt
