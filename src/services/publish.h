#ifndef SMELT_SERVICES_PUBLISH_H_
#define SMELT_SERVICES_PUBLISH_H_

#include "absl/status/status.h"
#include "src/reapi/resource_name.h"
#include "src/services/service_parts.h"
#include "src/services/zstd_codec.h"
#include "src/store/bytes.h"

namespace smelt {

// Puts a whole upload into the store: decodes what came over the wire if it is compressed, and has the store check it
// against the digest. INVALID_ARGUMENT if it is not what the name says. Blocks.
absl::Status PublishUpload(const ServiceParts& parts, const reapi::ResourceName& name, Bytes wire);

}  // namespace smelt

#endif  // SMELT_SERVICES_PUBLISH_H_
