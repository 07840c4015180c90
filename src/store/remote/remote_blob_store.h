#ifndef SMELT_STORE_REMOTE_REMOTE_BLOB_STORE_H_
#define SMELT_STORE_REMOTE_REMOTE_BLOB_STORE_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/store/blob_store.h"
#include "src/store/remote/connection.h"
#include "src/store/spool.h"

namespace smelt {

// The CAS of a server. Small blobs travel in batches of one, of which any number are under way at once; large ones as
// streams, from files into files. What arrives has the right size and is not digested: wrap it in a VerifyingBlobStore,
// or put it into a store that checks.
class RemoteBlobStore : public BlobStore {
 public:
  static constexpr std::int64_t kBatchedBytesMax = 1 << 20;     // larger blobs are streamed
  static constexpr std::int64_t kUnpackedBytesMax = 64 << 10;   // larger ones, where frames are passed on unverified
  static constexpr std::int64_t kInMemoryBytesMax = 4 << 20;    // larger ones arrive in a file
  static constexpr std::int64_t kCompressedBytesMin = 1 << 10;  // smaller ones are not worth it
  static constexpr std::size_t kDigestsPerFind = 5'000;

  explicit RemoteBlobStore(Connection& connection) : connection_(connection) {}

  absl::StatusOr<Bytes> Get(const Digest& digest) override;

  // Get of a blob that arrives in a stream, with `insertion` put in on the way, if there is one: `whole` is what comes
  // of it then. Others are not for this.
  //
  // A server of ours passes on what lies in its bucket without a look at it. What comes is then digested, and asked for
  // again with the server's own checks if it is wrong: so the server learns of the damage, and an upload mends it.
  bool IsStreamed(const Digest& digest) const;
  absl::StatusOr<Bytes> GetStreamed(const Digest& digest, const Insertion* insertion, const Digest& whole);

  absl::Status Put(const Digest& digest, Bytes bytes) override;
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) override;

 private:
  using Sink = std::function<absl::Status(std::string_view)>;

  absl::StatusOr<Bytes> GetBatched(const Digest& digest);
  absl::StatusOr<Bytes> Receive(const Digest& digest, const Insertion* insertion, bool unverified);
  absl::Status ReadStream(const Digest& digest, bool zstd, bool unverified, const Sink& sink);
  absl::Status PutBatched(const Digest& digest, const std::string& contents);
  absl::Status PutStreamed(const Digest& digest, const Bytes& bytes);
  absl::StatusOr<std::vector<Digest>> FindChunk(absl::Span<const Digest> digests);
  bool CompressesBatch(std::int64_t size) const;

  Connection& connection_;
};

}  // namespace smelt

#endif  // SMELT_STORE_REMOTE_REMOTE_BLOB_STORE_H_
