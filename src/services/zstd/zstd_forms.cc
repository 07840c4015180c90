#include "src/services/zstd/zstd_forms.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "src/base/errno_status.h"
#include "src/base/file_system.h"
#include "src/base/status_macros.h"
#include "src/store/pieces.h"
#include "src/store/unnamed_file.h"

namespace smelt {
namespace {

constexpr std::int64_t kAlignment = 4 << 10;
constexpr char kIndexName[] = "index";

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

ZstdForms::Segment::~Segment() {
  if (!path.empty()) ::unlink(path.c_str());
}

absl::Status ZstdForms::SaveTo(const std::string& directory) {
  const std::lock_guard lock(mu_);
  RETURN_IF_ERROR(FileSystem::System().MakeDirectories(directory, 0700));
  std::vector<FormRow> rows;
  for (const std::shared_ptr<Segment>& segment : segments_) {
    ASSIGN_OR_RETURN(const std::string name, GiveName(*segment, directory));
    for (const Digest& blob : segment->blobs) {
      const auto found = forms_.find(blob);
      if (found == forms_.end() || found->second.segment != segment || !found->second.digest) continue;
      rows.push_back({name, blob, found->second.begin, *found->second.digest});
    }
  }
  RETURN_IF_ERROR(FileSystem::System().WriteNewFile(directory + "/" + kIndexName, SerializeFormRows(rows), 0600));
  for (const std::shared_ptr<Segment>& segment : segments_) segment->path.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::string> ZstdForms::GiveName(Segment& segment, const std::string& directory) {
  struct stat file = {};
  if (::fstat(segment.fd.get(), &file) != 0) return ErrnoStatus(errno, "stat a file of compressed forms");
  const std::string name = fmt::format("frames-{}", file.st_ino);
  if (!segment.path.empty()) return name;
  const std::string path = directory + "/" + name;
  RETURN_IF_ERROR(FileSystem::System().Link(fmt::format("/proc/self/fd/{}", segment.fd.get()), path));
  segment.path = path;
  return name;
}

void ZstdForms::LoadFrom(const std::string& directory) {
  FileSystem& files = FileSystem::System();
  const auto saved = files.ReadFile(directory + "/" + kIndexName);
  (void)files.Remove(directory + "/" + kIndexName);  // these are the forms' names for one start
  const auto rows = saved.ok() ? ParseFormRows(*saved) : saved.status();
  absl::flat_hash_map<std::string, std::shared_ptr<Segment>> segments;
  if (rows.ok()) {
    for (const FormRow& row : *rows) Take(directory, row, segments);
  }
  for (const std::string& name : files.List(directory).value_or(std::vector<std::string>())) {
    if (!segments.contains(name)) (void)files.Remove(directory + "/" + name);
  }
}

void ZstdForms::Take(const std::string& directory, const FormRow& row,
                     absl::flat_hash_map<std::string, std::shared_ptr<Segment>>& segments) {
  const auto [found, is_new] = segments.try_emplace(row.file);
  std::shared_ptr<Segment>& segment = found->second;
  if (is_new) segment = Opened(directory + "/" + row.file);
  const std::int64_t end = row.begin + row.form.size;
  if (segment == nullptr || end > segment->size) return;
  const std::lock_guard lock(mu_);
  if (segments_.empty() || segments_.back() != segment) segments_.push_back(segment);
  forms_.insert_or_assign(row.blob, Form{segment, row.begin, end, row.form});
  segment->blobs.push_back(row.blob);
}

// Null if there is none, or if it is larger than one may be now.
std::shared_ptr<ZstdForms::Segment> ZstdForms::Opened(const std::string& path) const {
  auto segment = std::make_shared<Segment>();
  segment->path = path;
  segment->fd = UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  struct stat file = {};
  if (!segment->fd.valid() || ::fstat(segment->fd.get(), &file) != 0 || !S_ISREG(file.st_mode)) return nullptr;
  segment->size = Aligned(file.st_size);
  return segment->size <= segment_bytes_ ? segment : nullptr;
}

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

ZstdForms::Reader::Reader(ZstdForms& forms, const Digest& blob, const Form& form, std::optional<Digest> expected)
    : forms_(forms), blob_(blob), segment_(form.segment), expected_(expected), offset_(form.begin), end_(form.end) {}

std::int64_t ZstdForms::Reader::left() const { return end_ - offset_; }

absl::StatusOr<std::string> ZstdForms::Reader::Next(std::int64_t length) {
  absl::StatusOr<std::string> bytes = ReadAt(segment_->fd.get(), offset_, std::min(length, left()));
  if (bytes.ok()) {
    if (expected_) hasher_.Update(*bytes);
    offset_ += static_cast<std::int64_t>(bytes->size());
    if (!expected_ || left() > 0 || hasher_.Finish() == *expected_) return bytes;
  }
  forms_.Forget(blob_);
  return absl::UnavailableError(fmt::format("the compressed form of blob {} is corrupt; try again", blob_.ToString()));
}

std::optional<ZstdForms::Reader> ZstdForms::Find(const Digest& blob) {
  const std::lock_guard lock(mu_);
  const auto found = forms_.find(blob);
  if (found == forms_.end() || !found->second.digest) return std::nullopt;
  return Reader(*this, blob, found->second, found->second.digest);
}

std::optional<ZstdForms::Reader> ZstdForms::FindAny(const Digest& blob) {
  const std::lock_guard lock(mu_);
  const auto found = forms_.find(blob);
  if (found == forms_.end()) return std::nullopt;
  return Reader(*this, blob, found->second, std::nullopt);
}

void ZstdForms::Confirm(const Digest& blob, const Digest& frames) {
  const std::lock_guard lock(mu_);
  const auto found = forms_.find(blob);
  if (found != forms_.end()) found->second.digest = frames;
}

bool ZstdForms::Wants(const Digest& blob, std::int64_t bytes) {
  if (blob.size < kBlobBytesMin || bytes > blob.size / 10 * 9 || Aligned(bytes) > segment_bytes_) return false;
  const std::lock_guard lock(mu_);
  return !forms_.contains(blob);
}

void ZstdForms::Arrival::Begin(std::int64_t bytes) {
  segment_ = nullptr;
  if (!forms_.Wants(blob_, bytes)) return;
  if (!forms_.HasRoom()) return forms_.DropAll();
  segment_ = forms_.Reserve(bytes, begin_);
  at_ = begin_;
  end_ = begin_ + bytes;
}

absl::Status ZstdForms::Arrival::Add(std::string_view frames) {
  const auto size = static_cast<std::int64_t>(frames.size());
  if (segment_ == nullptr || size > end_ - at_) {
    return absl::ResourceExhaustedError(fmt::format("no room for the compressed form of blob {}", blob_.ToString()));
  }
  const absl::Status written = WriteAt(segment_->fd.get(), frames, at_);
  at_ += size;
  if (!written.ok()) forms_.DropAll();
  return written;
}

void ZstdForms::Arrival::KeepAs(std::optional<Digest> digest) {
  if (segment_ == nullptr || at_ != end_) return;
  const std::lock_guard lock(forms_.mu_);
  const auto& segments = forms_.segments_;
  if (std::find(segments.begin(), segments.end(), segment_) == segments.end()) return;  // dropped meanwhile
  forms_.forms_.insert_or_assign(blob_, Form{segment_, begin_, end_, digest});
  segment_->blobs.push_back(blob_);
}

void ZstdForms::Keep(const Digest& blob, const Bytes& frames) {
  {
    const std::lock_guard lock(mu_);
    if (!under_way_.insert(blob).second) return;
  }
  KeepNow(blob, frames);
  const std::lock_guard lock(mu_);
  under_way_.erase(blob);
}

void ZstdForms::KeepNow(const Digest& blob, const Bytes& frames) {
  Arrival arrival(*this, blob);
  arrival.Begin(frames.size());
  Hasher hasher;
  const absl::Status kept = ForEachPiece(frames, [&](std::string_view piece) -> absl::Status {
    RETURN_IF_ERROR(arrival.Add(piece));
    hasher.Update(piece);
    return absl::OkStatus();
  });
  if (kept.ok()) arrival.KeepAs(hasher.Finish());
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
