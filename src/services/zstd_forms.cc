#include "src/services/zstd_forms.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "src/base/errno_status.h"
#include "src/base/status_macros.h"
#include "src/store/unnamed_file.h"

namespace smelt {
namespace {

constexpr std::int64_t kPieceBytes = 1 << 20;
constexpr std::int64_t kAlignment = 4 << 10;  // also bounds how many there are

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

ZstdForms::ZstdForms(std::string directory, std::int64_t bytes_max)
    : directory_(std::move(directory)), segment_bytes_(bytes_max / kSegments) {}

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
  return absl::DataLossError(fmt::format("the compressed form of blob {} is corrupt; try again", blob_.ToString()));
}

std::optional<ZstdForms::Reader> ZstdForms::Find(const Digest& blob) {
  const std::lock_guard lock(mu_);
  const auto found = forms_.find(blob);
  if (found == forms_.end()) return std::nullopt;
  return Reader(*this, blob, found->second);
}

bool ZstdForms::Wants(const Digest& blob, std::int64_t bytes) {
  if (blob.size < kBlobBytesMin || bytes > blob.size / 10 * 9 || Aligned(bytes) > segment_bytes_) return false;
  const std::lock_guard lock(mu_);
  return !forms_.contains(blob);
}

void ZstdForms::Keep(const Digest& blob, const Bytes& frames) {
  if (!Wants(blob, frames.size())) return;
  std::int64_t offset = 0;
  const std::shared_ptr<Segment> segment = Reserve(frames.size(), offset);
  if (segment == nullptr) return;
  Digest digest;
  if (!Write(frames, *segment, offset, digest).ok()) return DropAll();
  const std::lock_guard lock(mu_);
  const bool dropped = std::find(segments_.begin(), segments_.end(), segment) == segments_.end();
  if (!dropped && forms_.try_emplace(blob, Form{segment, offset, digest}).second) segment->blobs.push_back(blob);
}

// Room for a form, at `offset`; null if there can be none.
std::shared_ptr<ZstdForms::Segment> ZstdForms::Reserve(std::int64_t bytes, std::int64_t& offset) {
  const std::int64_t room = Aligned(bytes);
  const std::lock_guard lock(mu_);
  if (segments_.empty() || segments_.back()->size + room > segment_bytes_) {
    absl::StatusOr<UnnamedFile> file = UnnamedFile::Open(directory_);
    if (!file.ok()) return nullptr;
    if (segments_.size() >= kSegments) DropOldest();
    segments_.push_back(std::make_shared<Segment>());
    segments_.back()->fd = std::move(*file).Release();
  }
  offset = segments_.back()->size;
  segments_.back()->size += room;
  return segments_.back();
}

absl::Status ZstdForms::Write(const Bytes& frames, const Segment& segment, std::int64_t offset, Digest& digest) {
  Hasher hasher;
  for (std::int64_t at = 0; at < frames.size(); at += kPieceBytes) {
    ASSIGN_OR_RETURN(const std::string piece, frames.Read(at, kPieceBytes));
    hasher.Update(piece);
    RETURN_IF_ERROR(WriteAt(segment.fd.get(), piece, offset + at));
  }
  digest = hasher.Finish();
  return absl::OkStatus();
}

void ZstdForms::Forget(const Digest& blob) {
  const std::lock_guard lock(mu_);
  forms_.erase(blob);
}

void ZstdForms::DropOldest() {
  for (const Digest& blob : segments_.front()->blobs) {
    const auto found = forms_.find(blob);
    if (found != forms_.end() && found->second.segment == segments_.front()) forms_.erase(found);
  }
  segments_.pop_front();
}

void ZstdForms::DropAll() {
  const std::lock_guard lock(mu_);
  forms_.clear();
  segments_.clear();
}

}  // namespace smelt
