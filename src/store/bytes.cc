#include "src/store/bytes.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "src/base/errno_status.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"

namespace smelt {

Bytes::Bytes(std::string contents) : size_(static_cast<std::int64_t>(contents.size())) {
  held_ = std::make_shared<const Held>(std::move(contents));
}

Bytes::Bytes(UniqueFd fd, std::int64_t size) : held_(std::make_shared<const Held>(std::move(fd))), size_(size) {}

Bytes::Bytes(UniqueFd fd, const Digest& digest) : Bytes(std::move(fd), digest.size) { known_digest_ = digest; }

const std::string* Bytes::contents() const { return std::get_if<std::string>(&held_->bytes); }

int Bytes::fd() const {
  const UniqueFd* file = std::get_if<UniqueFd>(&held_->bytes);
  return file == nullptr ? -1 : file->get();
}

absl::StatusOr<std::string> Bytes::Read(std::int64_t offset, std::int64_t length) const {
  if (offset < 0 || length < 0) return absl::InvalidArgumentError("read of a blob at a negative offset or length");
  offset = std::min(offset, size_);
  length = std::min(length, size_ - offset);
  if (const std::string* memory = contents()) {
    return memory->substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
  }
  std::string result(static_cast<std::size_t>(length), '\0');
  std::size_t used = 0;
  while (used < result.size()) {
    const ssize_t got =
        ::pread(fd(), result.data() + used, result.size() - used, offset + static_cast<std::int64_t>(used));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read of a blob's file");
    if (got == 0) return absl::DataLossError(fmt::format("a blob's file has become shorter than {} bytes", size_));
    used += static_cast<std::size_t>(got);
  }
  return result;
}

absl::StatusOr<Bytes> InMemory(const Bytes& bytes) {
  if (bytes.contents() != nullptr) return bytes;
  ASSIGN_OR_RETURN(std::string contents, bytes.ReadAll());
  return Bytes(std::move(contents));
}

absl::StatusOr<Digest> DigestOf(const Bytes& bytes) {
  if (bytes.known_digest()) return *bytes.known_digest();
  if (const std::string* memory = bytes.contents()) {
    absl::call_once(bytes.held_->digesting, [&] { bytes.held_->digest = DigestOf(std::string_view(*memory)); });
    return bytes.held_->digest;
  }
  return DigestOfFile(bytes.fd());
}

}  // namespace smelt
