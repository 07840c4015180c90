#ifndef SMELT_REAPI_BOUNDED_PARSE_H_
#define SMELT_REAPI_BOUNDED_PARSE_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"

namespace google::protobuf {
class Descriptor;
class Message;
namespace io {
class CodedInputStream;
}  // namespace io
}  // namespace google::protobuf

namespace smelt::reapi {

// Messages that somebody else wrote. A field that says nothing takes two bytes, and up to 80 in memory (a Directory in
// a Tree 128): 64 MiB of them would be 2.7 GB. So whatever comes from a bucket, a server or a client is parsed by
// these: a message may have kFieldsAlways fields, those of the messages in it included, and one more for each
// kBytesPerField bytes. What says something has fewer: it takes 23 bytes a field in a list of digests, 15 in a
// Directory, 8 in one with short names and node properties, or in a bucket's index. So a message takes 14 times its
// size at most, and 8 MB.

inline constexpr std::int64_t kFieldsAlways = 100'000;
inline constexpr std::int64_t kBytesPerField = 6;

// Parses `bytes` as `message`. INVALID_ARGUMENT, naming its type, for what is none, and, naming the limit, for what has
// more fields. Groups, of which REAPI has none, are read in small messages only.
absl::Status ParseBounded(std::string_view bytes, google::protobuf::Message& message);

// The same without the parsing; the second for `bytes` bytes that come in pieces. OK does not say that it is a message.
absl::Status CheckFields(std::string_view bytes, const google::protobuf::Descriptor& type);
absl::Status CheckFields(google::protobuf::io::CodedInputStream& in, std::int64_t bytes,
                         const google::protobuf::Descriptor& type);

// Of an ActionResult: clients take messages of 4 MiB. The largest of 350 crates is some 100 kB; 10,000 output files
// with long paths are 2 MB; and a directory of outputs is a Tree, of which only the digest is here.
inline constexpr std::int64_t kResultBytesMax = 4'000'000;

// A result that is read: INVALID_ARGUMENT if it is larger than that or has too many fields. A result that is to be
// kept: the same, so that nothing is kept that nobody can read.
absl::StatusOr<build::bazel::remote::execution::v2::ActionResult> ParseResult(std::string_view bytes);
absl::Status CheckResultSize(const build::bazel::remote::execution::v2::ActionResult& result,
                             std::int64_t bytes_max = kResultBytesMax);

// Of one Directory: 150,000 files.
inline constexpr std::int64_t kDirectoryBytesMax = 16 << 20;

// INVALID_ARGUMENT if it is larger than that or has too many fields.
absl::StatusOr<build::bazel::remote::execution::v2::Directory> ParseDirectory(std::string_view bytes);

}  // namespace smelt::reapi

#endif  // SMELT_REAPI_BOUNDED_PARSE_H_
