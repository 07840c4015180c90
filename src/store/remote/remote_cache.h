#ifndef SMELT_STORE_REMOTE_REMOTE_CACHE_H_
#define SMELT_STORE_REMOTE_REMOTE_CACHE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/store/remote/remote_options.h"
#include "src/store/shared_cache.h"

namespace smelt {

// A REAPI server as a SharedCache: ours, or any other with CAS, ActionCache, ByteStream and Capabilities. Connects
// with the first call. INVALID_ARGUMENT for options that cannot work (an endpoint that is none, a file that cannot be
// read, a token that would travel in the clear), with what to mend. `clock` outlives it.
absl::StatusOr<std::unique_ptr<SharedCache>> OpenRemoteCache(const RemoteOptions& options, Clock& clock);

}  // namespace smelt

#endif  // SMELT_STORE_REMOTE_REMOTE_CACHE_H_
