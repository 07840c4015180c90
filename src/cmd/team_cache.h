#ifndef SMELT_CMD_TEAM_CACHE_H_
#define SMELT_CMD_TEAM_CACHE_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/config/config.h"
#include "src/daemon/builds.h"
#include "src/daemon/team/team_parts.h"
#include "src/store/local/local_store.h"

namespace smelt {

// The team's cache as it is configured, and what a daemon does with it. Connects nowhere before a compile asks.
class TeamCache {
 public:
  // What it stands on; all outlives it. `actions` are the store's as far as they are complete.
  struct Base {
    FileSystem& files;
    Clock& clock;
    LocalStore& store;
    ActionCache& actions;
    FileDigests& digests;
    Counters& counters;
    std::string directory;  // the daemon's
  };

  // INVALID_ARGUMENT, with what to mend, for settings that cannot work.
  static absl::StatusOr<std::unique_ptr<TeamCache>> Open(const Config& config, const Base& base);

  // They live as long as this; all null where no shared cache is configured.
  TeamParts parts();

 private:
  std::unique_ptr<SharedCache> shared_;
  std::optional<ProgramReferences> references_;
  std::optional<Fetcher> fetcher_;
  std::optional<Publisher> publisher_;
  std::optional<Builds> builds_;
};

}  // namespace smelt

#endif  // SMELT_CMD_TEAM_CACHE_H_
