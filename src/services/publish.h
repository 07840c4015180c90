#ifndef SMELT_SERVICES_PUBLISH_H_
#define SMELT_SERVICES_PUBLISH_H_

#include <algorithm>
#include <functional>

#include "absl/status/status.h"
#include "src/reapi/resource_name.h"
#include "src/services/service_parts.h"
#include "src/services/zstd/zstd_codec.h"
#include "src/store/bytes.h"

namespace smelt {

// How a put ended: called once, on the thread that put or on one of the store's.
using PutDone = std::function<void(absl::Status)>;

// Puts a blob into the store. Blocks, unless MayPutInPlace.
void PutBlob(const ServiceParts& parts, const Digest& digest, Bytes bytes, PutDone done);

// PutBlob and PublishUpload of so many bytes are quick enough for gRPC's own threads.
inline bool MayPutInPlace(const ServiceParts& parts, std::int64_t bytes) {
  return parts.puts != nullptr && bytes <= std::min(kBytesInPlaceMax, parts.puts->blob_bytes_max());
}

// `done`, and where the put went well, `frames` are kept as the blob's zstd form: they hold what was put.
PutDone KeepingForm(const ServiceParts& parts, const Digest& digest, Bytes frames, PutDone done);

// Puts a whole upload into the store: decodes what came over the wire if it is compressed, and has the store check it
// against the digest. INVALID_ARGUMENT if it is not what the name says.
void PublishUpload(const ServiceParts& parts, const reapi::ResourceName& name, Bytes wire, PutDone done);

}  // namespace smelt

#endif  // SMELT_SERVICES_PUBLISH_H_
