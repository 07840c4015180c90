#ifndef SMELT_STORE_S3_BUCKET_FORMAT_H_
#define SMELT_STORE_S3_BUCKET_FORMAT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "smelt/bucket/v1/bucket.pb.h"
#include "src/digest/digest.h"

namespace smelt {

// How things are called and written in a bucket: layout 1. Another layout would have other prefixes, beside this one.
// Pure.

inline constexpr std::string_view kIndexPrefix = "v1/index/";
inline constexpr std::string_view kPacksPrefix = "v1/packs/";
inline constexpr std::string_view kBlobsPrefix = "v1/blobs/";

// Whether the object of this key is one blob, and not a pack of many.
inline bool IsBlobKey(std::string_view key) { return key.starts_with(kBlobsPrefix); }

// Keys that sort by time. `writer` must be nobody else's.
std::string IndexKey(std::int64_t now_ns, std::string_view writer);
std::string PackKey(std::int64_t now_ns, std::string_view writer);
std::string BlobKey(const Digest& digest, std::int64_t now_ns, std::string_view writer);

// Below this name, in order of keys, is all that was named before `now_ns`.
std::string IndexKeyAt(std::int64_t now_ns);

// The time in an index's key; 0 where it has none, or none that can be.
std::int64_t TimeOfIndexKey(std::string_view key);

// Of an index, packed or not: two million objects, or five million payloads.
inline constexpr std::size_t kIndexBytesMax = 256 << 20;

std::string EncodeIndex(const bucket::v1::Index& index);

// What an index says, part by part. An error is that of who reads it.
struct IndexSink {
  std::function<absl::Status(bucket::v1::Pack& pack)> pack;
  std::function<absl::Status(bucket::v1::Mark& mark)> mark;
};

// Hands on what an index says. DATA_LOSS for anything else: cut, changed, of another version, with places outside of
// their packs, with sizes or times that cannot be, about objects that are neither packs nor blobs, have names that
// nobody gives, or are more than two million, or larger than that. What came before is handed on: whoever wrote it
// meant it, since a checksum is looked at first. Takes the memory of one part.
absl::Status ReadIndex(std::string_view bytes, const IndexSink& sink);

// The name of a result among the payloads.
Digest ResultName(std::string_view instance, const Digest& action);
inline bool IsResultName(const Digest& name) { return name.size < 0; }

// A result as a payload: with a checksum over it and its name. DATA_LOSS if it is not the one of `name`.
std::string SealResult(const Digest& name, std::string_view result);
absl::StatusOr<std::string> OpenResult(const Digest& name, std::string_view payload);

}  // namespace smelt

#endif  // SMELT_STORE_S3_BUCKET_FORMAT_H_
