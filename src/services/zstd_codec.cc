#include "src/services/zstd_codec.h"

#include <zstd.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr std::size_t kContextsMax = 16;  // of each kind; a decoder may hold a window of 8 MiB
constexpr int kLevel = 1;
constexpr std::int64_t kSlackBytes = 64 << 10;
constexpr std::int64_t kPieceBytes = 1 << 20;

struct Free {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

ZSTD_CCtx* Make(ZSTD_CCtx*) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kLevel);
  return context;
}

ZSTD_DCtx* Make(ZSTD_DCtx*) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, kZstdWindowLogMax);
  return context;
}

// Contexts are dear to make, and large: a few are used again and again.
template <typename Context>
class Contexts {
 public:
  using Owned = std::unique_ptr<Context, Free>;

  static Contexts& Shared() {
    static Contexts& contexts = *new Contexts;
    return contexts;
  }

  Owned Take() {
    std::unique_lock lock(mu_);
    returned_.wait(lock, [this] { return !free_.empty() || made_ < kContextsMax; });
    if (free_.empty()) {
      ++made_;
      return Owned(Make(static_cast<Context*>(nullptr)));
    }
    Owned context = std::move(free_.back());
    free_.pop_back();
    return context;
  }

  void Return(Owned context) {
    {
      const std::lock_guard lock(mu_);
      free_.push_back(std::move(context));
    }
    returned_.notify_one();
  }

 private:
  std::mutex mu_;
  std::condition_variable returned_;
  std::vector<Owned> free_;  // guarded by mu_
  std::size_t made_ = 0;     // guarded by mu_
};

template <typename Context>
class Lent {
 public:
  Lent() : context_(Contexts<Context>::Shared().Take()) {}
  ~Lent() { Contexts<Context>::Shared().Return(std::move(context_)); }
  Context* get() { return context_.get(); }

 private:
  std::unique_ptr<Context, Free> context_;
};

absl::Status Bad(std::string_view what) { return absl::InvalidArgumentError(fmt::format("zstd: {}", what)); }

absl::Status TooMuch(std::int64_t size) { return Bad(fmt::format("holds more than the {} bytes of its digest", size)); }

// Decodes what it is fed, counting.
class Decoder {
 public:
  explicit Decoder(std::int64_t size) : size_(size) { ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only); }

  absl::Status Feed(std::string_view frames, std::string& piece,
                    const std::function<absl::Status(std::string_view)>& sink) {
    ZSTD_inBuffer in = {frames.data(), frames.size(), 0};
    for (bool full = false; in.pos < in.size || full;) {
      ZSTD_outBuffer out = {piece.data(), piece.size(), 0};
      const std::size_t result = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(result)) return Bad(ZSTD_getErrorName(result));
      within_frame_ = result != 0;
      decoded_ += static_cast<std::int64_t>(out.pos);
      if (decoded_ > size_) return TooMuch(size_);
      RETURN_IF_ERROR(sink(std::string_view(piece.data(), out.pos)));
      full = within_frame_ && out.pos == out.size;
    }
    return absl::OkStatus();
  }

  absl::Status Finish() const {
    if (within_frame_) return Bad("ends within a frame");
    if (decoded_ != size_) return Bad(fmt::format("holds {} bytes, and its digest says {}", decoded_, size_));
    return absl::OkStatus();
  }

 private:
  Lent<ZSTD_DCtx> context_;
  const std::int64_t size_;
  std::int64_t decoded_ = 0;
  bool within_frame_ = true;  // nothing at all is no frame
};

}  // namespace

std::string CompressZstd(std::string_view bytes) {
  Lent<ZSTD_CCtx> context;
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress2(context.get(), frame.data(), frame.size(), bytes.data(), bytes.size());
  frame.resize(ZSTD_isError(size) ? 0 : size);
  return frame;
}

std::int64_t ZstdBytesMax(std::int64_t size) { return size + size / 64 + kSlackBytes; }

absl::StatusOr<std::string> DecompressZstd(std::string_view frames, std::int64_t size) {
  std::string piece(static_cast<std::size_t>(size) + 1, '\0');
  std::string whole;
  Decoder decoder(size);
  const auto keep = [&](std::string_view decoded) {
    if (whole.empty() && decoded.size() == static_cast<std::size_t>(size)) {
      whole = std::move(piece);
      whole.resize(decoded.size());
      piece.assign(64, '\0');
    } else {
      whole.append(decoded);
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(decoder.Feed(frames, piece, keep));
  RETURN_IF_ERROR(decoder.Finish());
  return whole;
}

absl::Status DecompressZstd(const Bytes& frames, std::int64_t size,
                            const std::function<absl::Status(std::string_view)>& sink) {
  Decoder decoder(size);
  std::string piece(static_cast<std::size_t>(std::min(size + 1, kPieceBytes)), '\0');
  for (std::int64_t offset = 0; offset < frames.size(); offset += kPieceBytes) {
    ASSIGN_OR_RETURN(const std::string part, frames.Read(offset, kPieceBytes));
    RETURN_IF_ERROR(decoder.Feed(part, piece, sink));
  }
  return decoder.Finish();
}

}  // namespace smelt
