#include "src/digest/hasher.h"

#include <openssl/sha.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "absl/status/status.h"

namespace smelt {

struct Hasher::State {
  SHA256_CTX context;
};

Hasher::Hasher() : state_(std::make_unique<State>()) { SHA256_Init(&state_->context); }
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::Update(std::string_view bytes) {
  SHA256_Update(&state_->context, bytes.data(), bytes.size());
  size_ += static_cast<std::int64_t>(bytes.size());
}

Digest Hasher::Finish() {
  Digest digest;
  SHA256_Final(digest.hash.data(), &state_->context);
  digest.size = size_;
  SHA256_Init(&state_->context);
  size_ = 0;
  return digest;
}

Digest DigestOf(std::string_view bytes) {
  Digest digest;
  SHA256(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), digest.hash.data());
  digest.size = static_cast<std::int64_t>(bytes.size());
  return digest;
}

absl::StatusOr<Digest> DigestOfFile(int fd) {
  constexpr std::size_t kPieceBytes = 256 << 10;
  auto piece = std::make_unique_for_overwrite<char[]>(kPieceBytes);
  Hasher hasher;
  for (off_t offset = 0;;) {
    ssize_t n = ::pread(fd, piece.get(), kPieceBytes, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return absl::ErrnoToStatus(errno, "reading a file to digest it");
    if (n == 0) return hasher.Finish();
    hasher.Update({piece.get(), static_cast<std::size_t>(n)});
    offset += n;
  }
}

}  // namespace smelt
