#ifndef SMELT_CONFIG_SCCACHE_H_
#define SMELT_CONFIG_SCCACHE_H_

#include "absl/status/status.h"
#include "src/config/config.h"

namespace smelt {

// What a team has set up for sccache, for where smelt's own keys say nothing: its file ($SCCACHE_CONF, else
// $XDG_CONFIG_HOME/sccache/config, else ~/.config/sccache/config) and, before it, its variables. Taken over are the
// bucket ([cache.s3], SCCACHE_BUCKET and the others named so), unless `config` names a server or a bucket, and the size
// of the local cache ([cache.disk] size, SCCACHE_CACHE_SIZE), unless `has_size`. What sccache knows beyond that is its
// own business and not an error; a value that is taken over and wrong is: INVALID_ARGUMENT names file, line, key and
// what would be right.
absl::Status ApplySccache(const GetVariable& variable, bool has_size, Config& config);

}  // namespace smelt

#endif  // SMELT_CONFIG_SCCACHE_H_
