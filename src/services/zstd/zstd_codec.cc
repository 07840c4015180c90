#include "src/services/zstd/zstd_codec.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/store/pieces.h"
#include "src/store/zstd.h"

namespace smelt {
namespace {

constexpr std::size_t kCodecsMax = 16;  // of each kind; a decoder may hold a window of 8 MiB
constexpr int kLevel = 1;
constexpr std::int64_t kSlackBytes = 64 << 10;
constexpr std::int64_t kPieceBytes = 1 << 20;

std::unique_ptr<ZstdEncoder> Make(ZstdEncoder*) { return std::make_unique<ZstdEncoder>(kLevel); }
std::unique_ptr<ZstdDecoder> Make(ZstdDecoder*) {
  return std::make_unique<ZstdDecoder>(kZstdWindowLogMax, kPieceBytes);
}

// Codecs are dear to make, and large: a few are used again and again.
template <typename Codec>
class Codecs {
 public:
  static Codecs& Shared() {
    static Codecs& codecs = *new Codecs;
    return codecs;
  }

  std::unique_ptr<Codec> Take() {
    std::unique_lock lock(mu_);
    returned_.wait(lock, [this] { return !free_.empty() || made_ < kCodecsMax; });
    if (free_.empty()) {
      ++made_;
      return Make(static_cast<Codec*>(nullptr));
    }
    std::unique_ptr<Codec> codec = std::move(free_.back());
    free_.pop_back();
    return codec;
  }

  void Return(std::unique_ptr<Codec> codec) {
    {
      const std::lock_guard lock(mu_);
      free_.push_back(std::move(codec));
    }
    returned_.notify_one();
  }

 private:
  std::mutex mu_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Codec>> free_;  // guarded by mu_
  std::size_t made_ = 0;                      // guarded by mu_
};

template <typename Codec>
class Lent {
 public:
  Lent() : codec_(Codecs<Codec>::Shared().Take()) {}
  ~Lent() { Codecs<Codec>::Shared().Return(std::move(codec_)); }
  Codec& operator*() { return *codec_; }
  Codec* operator->() { return codec_.get(); }

 private:
  std::unique_ptr<Codec> codec_;
};

// What the stores call damage is the client's mistake here.
absl::Status AsArgument(const absl::Status& status) {
  return absl::IsDataLoss(status) ? absl::InvalidArgumentError(std::string(status.message())) : status;
}

absl::Status End(const ZstdDecoder& decoder, std::int64_t size) {
  RETURN_IF_ERROR(AsArgument(decoder.End()));
  if (decoder.decoded() == size) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("zstd: holds {} bytes, and its digest says {}", decoder.decoded(), size));
}

}  // namespace

std::string CompressZstd(std::string_view bytes) { return Lent<ZstdEncoder>()->Frame(bytes); }

std::string StoredFrameHead(std::int64_t size) {
  const auto bytes = static_cast<std::uint32_t>(size);
  const std::uint32_t block = (bytes << 3) | 1;                 // raw, and the last
  std::string head = {'\x28', '\xb5', '\x2f', '\xfd', '\xa0'};  // one segment, its size in four bytes
  for (int shift = 0; shift < 32; shift += 8) head += static_cast<char>(bytes >> shift);
  for (int shift = 0; shift < 24; shift += 8) head += static_cast<char>(block >> shift);
  return head;
}

std::int64_t ZstdBytesMax(std::int64_t size) { return size + size / 64 + kSlackBytes; }

absl::StatusOr<std::string> DecompressZstd(std::string_view frames, std::int64_t size) {
  std::string whole;
  whole.reserve(static_cast<std::size_t>(size));
  Lent<ZstdDecoder> decoder;
  decoder->Begin(size);
  RETURN_IF_ERROR(AsArgument(decoder->Add(frames, [&](std::string_view piece) {
    whole += piece;
    return absl::OkStatus();
  })));
  RETURN_IF_ERROR(End(*decoder, size));
  return whole;
}

absl::Status DecompressZstd(const Bytes& frames, std::int64_t size,
                            const std::function<absl::Status(std::string_view)>& sink) {
  Lent<ZstdDecoder> decoder;
  decoder->Begin(size);
  RETURN_IF_ERROR(ForEachPiece(frames, [&](std::string_view part) { return AsArgument(decoder->Add(part, sink)); }));
  return End(*decoder, size);
}

}  // namespace smelt
