#include "src/services/zstd/packed_reads.h"

#include <algorithm>
#include <utility>

#include "glog/logging.h"
#include "src/base/background_thread.h"
#include "src/base/slow_wait.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/services/zstd/zstd_codec.h"
#include "src/store/spool.h"
#include "src/store/zstd.h"

namespace smelt {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kPieceBytes = 256 << 10;

}  // namespace

PackedReads::PackedReads(BlobStore& near, PackedBlobs& far, BlobStore& both, ZstdForms& forms, Options options)
    : near_(near), far_(far), both_(both), forms_(forms), options_(std::move(options)), thread_([this] { Run(); }) {}

PackedReads::~PackedReads() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::optional<ZstdForms::Reader> PackedReads::Find(const Digest& blob) {
  if (blob.size < ZstdForms::kBlobBytesMin || IsNear(blob)) return std::nullopt;
  if (!forms_.FindAny(blob)) {
    const SlowWait wait;
    if (!fetches_.Do(blob, [&] { return Fetch(blob); })) return std::nullopt;
  }
  std::optional<ZstdForms::Reader> frames = forms_.FindAny(blob);
  if (frames) TakeInLater(blob);
  return frames;
}

bool PackedReads::IsNear(const Digest& blob) {
  const absl::StatusOr<std::vector<Digest>> missing = near_.FindMissing({&blob, 1});
  return !missing.ok() || missing->empty();
}

bool PackedReads::Fetch(const Digest& blob) {
  if (!forms_.Wants(blob, 1)) return true;  // kept by whoever came before, or never
  ZstdForms::Arrival frames(forms_, blob);
  const absl::Status arrived =
      far_.ReadPacked(blob, {.begin = [&](std::int64_t bytes) { frames.Begin(bytes); },
                             .add = [&](std::string_view piece) { return frames.Add(piece); }});
  if (arrived.ok()) frames.Keep();
  return arrived.ok();
}

void PackedReads::TakeInLater(const Digest& blob) {
  const std::lock_guard lock(mu_);
  last_read_ = Clock::now();
  if (awaited_.insert(blob).second) waiting_.push_back({blob, last_read_});
  changed_.notify_all();
}

void PackedReads::Await() {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return waiting_.empty(); });
}

PackedReads::Time PackedReads::NextTime() const {
  return std::min(last_read_ + options_.quiet, waiting_.front().since + options_.longest);
}

void PackedReads::Run() {
  RunThisThreadAtTheLowestPriority();  // those who build on this machine come first
  std::unique_lock lock(mu_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    while (!ending_ && Clock::now() < NextTime()) changed_.wait_until(lock, NextTime());
    if (ending_) return;
    const Digest blob = waiting_.front().blob;
    lock.unlock();
    TakeIn(blob);
    lock.lock();
    waiting_.pop_front();
    awaited_.erase(blob);
    changed_.notify_all();
  }
}

void PackedReads::TakeIn(const Digest& blob) {
  std::optional<ZstdForms::Reader> frames = forms_.FindAny(blob);
  if (!frames || IsNear(blob)) return;
  Hasher hasher;
  absl::StatusOr<Bytes> bytes = Unpacked(blob, *std::move(frames), hasher);
  const absl::StatusOr<Digest> digest = bytes.ok() ? DigestOf(*bytes) : bytes.status();
  if (!digest.ok() && !absl::IsDataLoss(digest.status())) return;  // the disk is full, say: it is far all the same
  if (digest.ok() && *digest == blob) {
    forms_.Confirm(blob, hasher.Finish());
    return near_.Put(blob, *std::move(bytes)).IgnoreError();  // as above
  }
  LOG(WARNING) << "blob " << blob.ToString() << " was not what the far store's frames held";
  forms_.Forget(blob);
  both_.Get(blob).IgnoreError();  // which verifies, and has the far store forget what is damaged there
}

absl::StatusOr<Bytes> PackedReads::Unpacked(const Digest& blob, ZstdForms::Reader frames, Hasher& hasher) const {
  Spool bytes(options_.directory, blob.size <= Spool::kMemoryBytes ? blob.size : 0, Spool::Digesting::kYes);
  ZstdDecoder decoder(kZstdWindowLogMax);
  decoder.Begin(blob.size);
  while (frames.left() > 0) {
    if (ending_) return absl::CancelledError("the server ends");
    ASSIGN_OR_RETURN(const std::string piece, frames.Next(kPieceBytes));
    hasher.Update(piece);
    RETURN_IF_ERROR(decoder.Add(piece, [&](std::string_view part) { return bytes.Append(part); }));
  }
  RETURN_IF_ERROR(decoder.End());
  return bytes.Finish();
}

}  // namespace smelt
