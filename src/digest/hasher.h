#ifndef SMELT_DIGEST_HASHER_H_
#define SMELT_DIGEST_HASHER_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "src/digest/digest.h"

namespace smelt {

// Digests bytes that arrive in pieces. One thread at a time; may be used again after Finish.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void Update(std::string_view bytes);

  // The digest of all bytes since construction or the last Finish.
  Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::int64_t size_ = 0;
};

// The digest of `bytes`.
Digest DigestOf(std::string_view bytes);

// The digest of everything from the start to the end of the regular file `fd`, whatever its offset; the offset stays.
// Errors of reading keep their errno's canonical code.
absl::StatusOr<Digest> DigestOfFile(int fd);

}  // namespace smelt

#endif  // SMELT_DIGEST_HASHER_H_
