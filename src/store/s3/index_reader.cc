#include "src/store/s3/index_reader.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "src/base/status_macros.h"
#include "src/store/s3/bucket_format.h"

namespace smelt {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::chrono::milliseconds kLook{20};  // those who wait look at the clock, which wakes nobody
constexpr std::size_t kThreadsMax = 32;         // an index is small: the round trips count

}  // namespace

absl::StatusOr<std::vector<std::string>> IndexReader::NewKeys(std::int64_t now_ns) {
  const bool due = now_ns - looked_at_all_ns_ >= kFullSeconds * kSecond;
  const bool all = due || loaded_.empty();
  std::string after;
  if (!all) after = IndexKeyAt(std::min(now_ns, TimeOfIndexKey(*loaded_.rbegin())) - kOverlapSeconds * kSecond);
  ASSIGN_OR_RETURN(const std::vector<std::string> listed, objects_.Keys(after));
  if (due) looked_at_all_ns_ = now_ns;
  if (due) damaged_keys_.clear();
  std::vector<std::string> keys;
  for (const std::string& key : listed) {
    if (!loaded_.contains(key) && !damaged_keys_.contains(key)) keys.push_back(key);
  }
  // Those merged away are no longer of interest.
  if (all)
    std::erase_if(loaded_, [&](const auto& key) { return !std::binary_search(listed.begin(), listed.end(), key); });
  std::reverse(keys.begin(), keys.end());
  return keys;
}

absl::Status IndexReader::LoadAll(const std::vector<std::string>& keys) {
  std::atomic<std::size_t> next{0};
  std::mutex mu;
  absl::Status failed;  // guarded by mu, and so are loaded_ and damaged_keys_ while the threads run
  const auto add = [&](const auto& part) {
    index_.Add(part);
    return ending_ ? absl::CancelledError("no longer wanted") : absl::OkStatus();
  };
  const auto work = [&] {
    for (std::size_t i = next++; i < keys.size() && !ending_; i = next++) {
      const absl::Status loaded = objects_.Load(keys[i], {add, add});
      const std::lock_guard lock(mu);
      if (loaded.ok()) loaded_.insert(keys[i]);
      if (absl::IsDataLoss(loaded)) damaged_keys_.insert(keys[i]);
      // One that is gone has been merged.
      if (!loaded.ok() && !absl::IsDataLoss(loaded) && !absl::IsNotFound(loaded)) {
        failed.Update(loaded);
        next = keys.size();
      }
      if (absl::IsNotFound(loaded)) looked_at_all_ns_ = 0;
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < std::min(kThreadsMax, keys.size()); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return failed;
}

absl::Status IndexReader::LoadNew() {
  constexpr int kRounds = 3;  // what is merged while it is loaded is found under another name
  for (int i = 0; i < kRounds; ++i) {
    const std::int64_t now_ns = clock_.NowNanos();
    ASSIGN_OR_RETURN(const std::vector<std::string> keys, NewKeys(now_ns));
    const absl::Status loaded = LoadAll(keys);
    log_.LeftOut(index_.GetUsage().left_out, index_.bytes_max());
    RETURN_IF_ERROR(loaded);
    if (ending_) return absl::CancelledError("the bucket's index is no longer wanted");
    loaded_ns_ = now_ns;
    if (looked_at_all_ns_ != 0) break;
  }
  return absl::OkStatus();
}

void IndexReader::Begin() {
  if (thread_.joinable()) thread_.join();
  ++begun_;
  began_ns_ = clock_.NowNanos();
  thread_ = std::thread([this] {
    const absl::Status loaded = LoadNew();
    const std::lock_guard lock(mu_);
    status_ = loaded;
    ++ended_;
    ended_one_.notify_all();
  });
}

absl::Status IndexReader::Refresh(std::int64_t max_age_ms, std::int64_t patience_ms) {
  const std::int64_t asked_ns = clock_.NowNanos();
  const auto is_fresh = [&] {
    const std::int64_t age_ns = asked_ns - loaded_ns_;  // negative: loaded since, or the clock was set back
    return loaded_ns_ != 0 && age_ns < max_age_ms * 1'000'000 && clock_.NanosSince(loaded_ns_) != INT64_MAX;
  };
  std::unique_lock lock(mu_);
  const std::int64_t ours = begun_ + 1;  // sees all that was there when we were asked
  while (ended_ < ours && !is_fresh()) {
    if (begun_ == ended_) Begin();
    const std::int64_t awaited = begun_;
    while (ended_ < awaited) {
      if (clock_.NanosSince(began_ns_) >= patience_ms * 1'000'000) {
        return absl::DeadlineExceededError("the bucket's index is still being read");
      }
      ended_one_.wait_for(lock, kLook);
    }
    if (!status_.ok()) return status_;
  }
  return absl::OkStatus();
}

IndexReader::~IndexReader() {
  ending_ = true;
  if (thread_.joinable()) thread_.join();
}

}  // namespace smelt
