#include "src/services/zstd/zstd_forms.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "src/base/errno_status.h"
#include "src/store/unnamed_file.h"

namespace smelt {
namespace {

constexpr std::int64_t kPieceBytes = 1 << 20;
constexpr std::int64_t kAlignment = 4 << 10;

std::int64_t Aligned(std::int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

absl::Status WriteAt(int fd, std::string_view bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return ErrnoStatus(written < 0 ? errno : EIO, "write a blob's compressed form");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadAt(int fd, std::int64_t offset, std::int64_t length) {
  std::string bytes(static_cast<std::size_t>(length), '\0');
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t read =
        ::pread(fd, bytes.data() + done, bytes.size() - done, offset + static_cast<std::int64_t>(done));
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) return ErrnoStatus(read < 0 ? errno : EIO, "read a blob's compressed form");
    done += static_cast<std::size_t>(read);
  }
  return bytes;
}

}  // namespace

ZstdForms::ZstdForms(std::string directory, std::int64_t bytes_max, std::int64_t free_bytes_min)
    : directory_(std::move(directory)), segment_bytes_(bytes_max / kSegments), free_bytes_min_(free_bytes_min) {}

ZstdForms::Maker::~Maker() {
  const std::lock_guard lock(forms_.mu_);
  forms_.making_.erase(blob_);
}

std::unique_ptr<ZstdForms::Maker> ZstdForms::BeginToMake(const Digest& blob) {
  if (!Wants(blob, 0) || !HasRoom()) return nullptr;
  const std::lock_guard lock(mu_);
  if (making_.size() >= kMakersMax || !making_.insert(blob).second) return nullptr;
  return std::make_unique<Maker>(*this, blob);
}

ZstdForms::Reader::Reader(ZstdForms& forms, const Digest& blob, Form form)
    : forms_(forms),
      blob_(blob),
      segment_(std::move(form.segment)),
      digest_(form.digest),
      offset_(form.offset),
      end_(form.offset + form.digest.size) {}

std::int64_t ZstdForms::Reader::left() const { return end_ - offset_; }

absl::StatusOr<std::string> ZstdForms::Reader::Next(std::int64_t length) {
  absl::StatusOr<std::string> bytes = ReadAt(segment_->fd.get(), offset_, std::min(length, left()));
  if (bytes.ok()) {
    hasher_.Update(*bytes);
    offset_ += static_cast<std::int64_t>(bytes->size());
    if (left() > 0 || hasher_.Finish() == digest_) return bytes;
  }
  forms_.Forget(blob_);
  return absl::UnavailableError(fmt::format("the compressed form of blob {} is corrupt; try again", blob_.ToString()));
}

std::optional<ZstdForms::Reader> ZstdForms::Find(const Digest& blob) {
  const std::lock_guard lock(mu_);
  const auto found = forms_.find(blob);
  if (found == forms_.end() || !found->second.verified) return std::nullopt;
  return Reader(*this, blob, found->second);
}

std::optional<ZstdForms::Reader> ZstdForms::FindAny(const Digest& blob) {
  const std::lock_guard lock(mu_);
  const auto found = forms_.find(blob);
  if (found == forms_.end()) return std::nullopt;
  return Reader(*this, blob, found->second);
}

void ZstdForms::Confirm(const Digest& blob) {
  const std::lock_guard lock(mu_);
  const auto found = forms_.find(blob);
  if (found != forms_.end()) found->second.verified = true;
}

bool ZstdForms::Wants(const Digest& blob, std::int64_t bytes) {
  if (blob.size < kBlobBytesMin || bytes > blob.size / 10 * 9 || Aligned(bytes) > segment_bytes_) return false;
  const std::lock_guard lock(mu_);
  return !forms_.contains(blob);
}

void ZstdForms::Keep(const Digest& blob, const Bytes& frames, bool verified) {
  if (!Wants(blob, frames.size())) return;
  if (!HasRoom()) return DropAll();
  {
    const std::lock_guard lock(mu_);
    if (!under_way_.insert(blob).second) return;
  }
  KeepNow(blob, frames, verified);
  const std::lock_guard lock(mu_);
  under_way_.erase(blob);
}

void ZstdForms::KeepNow(const Digest& blob, const Bytes& frames, bool verified) {
  std::int64_t offset = 0;
  const std::shared_ptr<Segment> segment = Reserve(frames.size(), offset);
  if (segment == nullptr) return;
  Hasher hasher;
  for (std::int64_t at = 0; at < frames.size(); at += kPieceBytes) {
    const absl::StatusOr<std::string> piece = frames.Read(at, kPieceBytes);
    if (!piece.ok()) return;
    if (!WriteAt(segment->fd.get(), *piece, offset + at).ok()) return DropAll();
    hasher.Update(*piece);
  }
  const std::lock_guard lock(mu_);
  if (std::find(segments_.begin(), segments_.end(), segment) == segments_.end()) return;  // dropped meanwhile
  forms_.insert_or_assign(blob, Form{segment, offset, hasher.Finish(), verified});
  segment->blobs.push_back(blob);
}

bool ZstdForms::HasRoom() const {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(directory_, error);
  return !error && static_cast<std::int64_t>(space.available) / 2 >= free_bytes_min_;
}

// Room for a form, at `offset`; null if there can be none.
std::shared_ptr<ZstdForms::Segment> ZstdForms::Reserve(std::int64_t bytes, std::int64_t& offset) {
  const std::int64_t room = Aligned(bytes);
  std::shared_ptr<Segment> dropped;  // goes after the lock does: to free a large file takes a while
  const std::lock_guard lock(mu_);
  const bool full = segments_.empty() || segments_.back()->size + room > segment_bytes_ ||
                    segments_.back()->blobs.size() >= kFormsInSegmentMax;
  if (full) {
    absl::StatusOr<UnnamedFile> file = UnnamedFile::Open(directory_);
    if (!file.ok()) return nullptr;
    if (segments_.size() >= kSegments) dropped = DropOldest();
    segments_.push_back(std::make_shared<Segment>());
    segments_.back()->fd = std::move(*file).Release();
  }
  offset = segments_.back()->size;
  segments_.back()->size += room;
  return segments_.back();
}

void ZstdForms::Forget(const Digest& blob) {
  const std::lock_guard lock(mu_);
  forms_.erase(blob);
}

std::shared_ptr<ZstdForms::Segment> ZstdForms::DropOldest() {
  std::shared_ptr<Segment> oldest = segments_.front();
  segments_.pop_front();
  for (const Digest& blob : oldest->blobs) {
    const auto found = forms_.find(blob);
    if (found != forms_.end() && found->second.segment == oldest) forms_.erase(found);
  }
  return oldest;
}

void ZstdForms::DropAll() {
  std::deque<std::shared_ptr<Segment>> dropped;
  absl::flat_hash_map<Digest, Form> forms;
  const std::lock_guard lock(mu_);
  dropped.swap(segments_);
  forms.swap(forms_);
}

}  // namespace smelt
