#include "src/store/puts_behind.h"

#include "src/base/background_thread.h"
#include "src/base/status_macros.h"

namespace smelt {

PutsBehind::PutsBehind(BlobStore& store, std::int64_t waiting_bytes_max)
    : store_(store), waiting_bytes_max_(waiting_bytes_max), thread_([this] { Run(); }) {}

PutsBehind::~PutsBehind() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

absl::StatusOr<Bytes> PutsBehind::Get(const Digest& digest) {
  {
    const std::lock_guard lock(mu_);
    const auto found = waiting_.find(digest);
    if (found != waiting_.end()) return found->second;
  }
  return store_.Get(digest);
}

absl::Status PutsBehind::Put(const Digest& digest, Bytes bytes) {
  ASSIGN_OR_RETURN(const Digest actual, DigestOf(bytes));
  if (actual == digest && Waits(digest, bytes)) return absl::OkStatus();
  return store_.Put(digest, std::move(bytes));
}

bool PutsBehind::Waits(const Digest& digest, const Bytes& bytes) {
  const std::lock_guard lock(mu_);
  if (waiting_.contains(digest)) return true;
  if (bytes.size() > waiting_bytes_max_ - waiting_bytes_) return false;
  waiting_.emplace(digest, bytes);
  order_.push_back(digest);
  waiting_bytes_ += bytes.size();
  changed_.notify_all();
  return true;
}

absl::StatusOr<std::vector<Digest>> PutsBehind::FindMissing(absl::Span<const Digest> digests) {
  absl::StatusOr<std::vector<Digest>> missing = store_.FindMissing(digests);
  if (!missing.ok()) return missing;
  const std::lock_guard lock(mu_);
  std::erase_if(*missing, [this](const Digest& digest) { return waiting_.contains(digest); });
  return missing;
}

void PutsBehind::Await() {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return waiting_.empty(); });
}

void PutsBehind::Run() {
  RunThisThreadAtTheLowestPriority();
  std::unique_lock lock(mu_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !order_.empty(); });
    if (ending_) return;
    const Digest digest = order_.front();
    order_.pop_front();
    const Bytes bytes = waiting_.at(digest);
    lock.unlock();
    store_.Put(digest, bytes).IgnoreError();
    lock.lock();
    waiting_.erase(digest);
    waiting_bytes_ -= bytes.size();
    changed_.notify_all();
  }
}

}  // namespace smelt
