#include "src/services/byte_stream/read_source.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "grpcpp/support/byte_buffer.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/services/messages/read_response.h"
#include "src/services/zstd/zstd_codec.h"
#include "src/store/spool.h"

namespace smelt {
namespace {

// The bytes as they are.
class PlainSource : public ReadSource {
 public:
  PlainSource(const ReadRange& range, Bytes blob, std::int64_t message_bytes)
      : blob_(std::move(blob)), at_(range.begin), end_(range.end), message_bytes_(message_bytes) {}

  absl::StatusOr<grpc::ByteBuffer> Next() override {
    const std::int64_t begin = at_, length = std::min(message_bytes_, end_ - at_);
    at_ += length;
    if (!NeedsThread()) return ReadResponseOf(blob_, begin, length);
    ASSIGN_OR_RETURN(std::string data, blob_.Read(begin, length));
    return ReadResponseOf(std::move(data));
  }

  bool AtEnd() const override { return at_ == end_; }
  bool NeedsThread() const override { return blob_.contents() == nullptr; }

 private:
  const Bytes blob_;
  std::int64_t at_;
  const std::int64_t end_, message_bytes_;
};

// Compressed now, each message for itself.
class CompressingSource : public ReadSource {
 public:
  CompressingSource(const ReadRange& range, Bytes blob, std::int64_t message_bytes, ZstdForms& forms,
                    const std::string& directory)
      : range_(range), blob_(std::move(blob)), message_bytes_(message_bytes), forms_(forms) {
    if (range_.IsWhole()) maker_ = forms_.BeginToMake(range_.digest);
    if (maker_) form_.emplace(directory, 0);
  }

  absl::StatusOr<grpc::ByteBuffer> Next() override {
    ASSIGN_OR_RETURN(const std::string data, blob_.Read(range_.begin, message_bytes_));
    range_.begin += static_cast<std::int64_t>(data.size());
    std::string frame = CompressZstd(data);
    if (form_) Note(data, frame);
    return ReadResponseOf(std::move(frame));
  }

  bool AtEnd() const override { return range_.begin == range_.end; }
  bool NeedsThread() const override { return true; }

 private:
  static constexpr std::int64_t kTrialBytes = 1 << 20;  // of the blob, after which it should have saved something

  void Note(std::string_view data, std::string_view frame) {
    hasher_.Update(data);
    const bool is_saving = range_.begin < kTrialBytes || form_->size() <= range_.begin / 10 * 9;
    const bool kept = is_saving && form_->Append(frame).ok() && forms_.Wants(range_.digest, form_->size());
    if (kept && !AtEnd()) return;
    if (kept && hasher_.Finish() == range_.digest) Keep();
    form_.reset();
    maker_.reset();
  }

  void Keep() {
    if (const absl::StatusOr<Bytes> form = form_->Finish(); form.ok()) forms_.Keep(range_.digest, *form);
  }

  ReadRange range_;  // what is left
  const Bytes blob_;
  const std::int64_t message_bytes_;
  ZstdForms& forms_;
  std::unique_ptr<ZstdForms::Maker> maker_;
  Hasher hasher_;              // of the blob's bytes, which may have changed since they were put
  std::optional<Spool> form_;  // in a file from the first byte: a thousand slow readers need no memory
};

// The bytes as they are, each message as a zstd frame.
class StoredSource : public ReadSource {
 public:
  StoredSource(const ReadRange& range, Bytes blob, std::int64_t message_bytes)
      : range_(range), blob_(std::move(blob)), message_bytes_(std::min(message_bytes, kStoredBytesMax)) {}

  absl::StatusOr<grpc::ByteBuffer> Next() override {
    ASSIGN_OR_RETURN(std::string data, blob_.Read(range_.begin, std::min(message_bytes_, range_.end - range_.begin)));
    const auto size = static_cast<std::int64_t>(data.size());
    range_.begin += size;
    return ReadResponseOf(StoredFrameHead(size), std::move(data));
  }

  bool AtEnd() const override { return range_.begin == range_.end; }
  bool NeedsThread() const override { return blob_.contents() == nullptr; }

 private:
  ReadRange range_;  // what is left
  const Bytes blob_;
  const std::int64_t message_bytes_;
};

// Compressed before.
class KeptSource : public ReadSource {
 public:
  KeptSource(ZstdForms::Reader form, std::int64_t message_bytes)
      : form_(std::move(form)), message_bytes_(message_bytes) {}

  absl::StatusOr<grpc::ByteBuffer> Next() override {
    ASSIGN_OR_RETURN(std::string data, form_.Next(message_bytes_));
    return ReadResponseOf(std::move(data));
  }

  bool AtEnd() const override { return form_.left() == 0; }
  bool NeedsThread() const override { return true; }

 private:
  ZstdForms::Reader form_;
  const std::int64_t message_bytes_;
};

}  // namespace

std::unique_ptr<ReadSource> NewReadSource(const ReadRange& range, Bytes blob, std::int64_t message_bytes,
                                          ZstdForms& forms, const std::string& directory) {
  if (!range.zstd) return std::make_unique<PlainSource>(range, std::move(blob), message_bytes);
  if (range.IsWhole()) {
    auto form = range.wishes.unverified ? forms.FindAny(range.digest) : forms.Find(range.digest);
    if (form) return NewReadSource(*std::move(form), message_bytes);
  }
  if (range.wishes.stored) return std::make_unique<StoredSource>(range, std::move(blob), message_bytes);
  return std::make_unique<CompressingSource>(range, std::move(blob), message_bytes, forms, directory);
}

std::unique_ptr<ReadSource> NewReadSource(ZstdForms::Reader frames, std::int64_t message_bytes) {
  return std::make_unique<KeptSource>(std::move(frames), message_bytes);
}

}  // namespace smelt
