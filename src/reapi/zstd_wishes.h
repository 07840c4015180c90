#ifndef SMELT_REAPI_ZSTD_WISHES_H_
#define SMELT_REAPI_ZSTD_WISHES_H_

#include <string>
#include <string_view>

namespace smelt::reapi {

// What a client of ours may say, beyond REAPI, in a header of ByteStream.Read of "compressed-blobs/zstd", so that the
// server sends what costs it least. A server that understands it says so with the same header, in front of its answer
// to GetCapabilities.
struct ZstdWishes {
  static constexpr const char* kHeader = "smelt-zstd";

  bool unverified = false;  // frames that nobody has unpacked yet are welcome: I look at what they hold
  bool stored = false;      // so are frames that hold the bytes as they are: the link is quick
};

// The header's value: "unverified", "stored", both with ", " between them, or nothing.
std::string ToHeader(const ZstdWishes& wishes);

// The reverse. Other words between the commas are those of a later version, and are skipped.
ZstdWishes ZstdWishesFrom(std::string_view header);

}  // namespace smelt::reapi

#endif  // SMELT_REAPI_ZSTD_WISHES_H_
