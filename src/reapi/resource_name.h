#ifndef SMELT_REAPI_RESOURCE_NAME_H_
#define SMELT_REAPI_RESOURCE_NAME_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "src/digest/digest.h"

namespace smelt::reapi {

// The name under which ByteStream reads or writes a blob:
//
//   read:   [{instance}/]blobs/[{function}/]{hash}/{size}
//           [{instance}/]compressed-blobs/{compressor}/[{function}/]{hash}/{size}
//   write:  [{instance}/]uploads/{uuid}/ and then as for reading, and after it [/{anything}]
//
// Hash and size are of the uncompressed blob. `function` is "sha256" or left out. An instance may have slashes; none of
// its segments is one of REAPI's reserved words, "." or "..".
struct ResourceName {
  enum class Compressor { kIdentity, kZstd };

  std::string instance;
  std::string uuid;  // of a write; any text without a slash. Empty for a read
  Digest digest;
  Compressor compressor = Compressor::kIdentity;

  friend bool operator==(const ResourceName&, const ResourceName&) = default;
};

inline constexpr std::size_t kResourceNameBytesMax = 4096;
inline constexpr std::size_t kInstanceNameBytesMax = 255;
inline constexpr std::size_t kUploadIdBytesMax = 255;

// INVALID_ARGUMENT, saying what is wrong with which part, for anything else; messages are short and printable whatever
// the name holds.
absl::StatusOr<ResourceName> ParseReadName(std::string_view name);
absl::StatusOr<ResourceName> ParseWriteName(std::string_view name);

// The canonical form, without digest function: parses to the same. A write name if there is a uuid.
std::string Format(const ResourceName& name);

// INVALID_ARGUMENT for what cannot be an instance name: a reserved word, empty, "." or ".." segment, control
// characters, '%' or '\\', more than kInstanceNameBytesMax bytes. The empty name is one.
absl::Status CheckInstanceName(std::string_view instance);

}  // namespace smelt::reapi

#endif  // SMELT_REAPI_RESOURCE_NAME_H_
