#include "src/cmd/team_cache.h"

#include <utility>

#include "src/base/status_macros.h"
#include "src/store/remote/remote_cache.h"
#include "src/store/s3/bucket_cache.h"

namespace smelt {
namespace {

RemoteOptions OptionsOf(const RemoteConfig& config, const std::string& staging_directory) {
  RemoteOptions options;
  options.endpoint = config.endpoint;
  options.instance = config.instance;
  options.token = config.token;
  options.token_file = config.token_file;
  options.token_command = config.token_command;
  options.ca_file = config.ca_file;
  options.client_cert = config.client_cert;
  options.client_key = config.client_key;
  options.compression = config.compression == "zstd"   ? RemoteOptions::Compression::kZstd
                        : config.compression == "none" ? RemoteOptions::Compression::kNone
                                                       : RemoteOptions::Compression::kAuto;
  options.timeout_seconds = config.timeout_seconds;
  options.staging_directory = staging_directory;
  return options;
}

S3Options OptionsOf(const S3Config& config) {
  S3Options options;
  options.bucket = config.bucket;
  options.region = config.region;
  options.endpoint = config.endpoint;
  options.use_ssl = config.use_ssl;
  options.key_prefix = config.key_prefix;
  options.virtual_host_style = config.virtual_host_style;
  options.ca_bundle = config.ca_file;
  options.encryption = config.encryption;
  options.kms_key_id = config.kms_key_id;
  options.no_credentials = config.no_credentials;
  options.profile = config.profile;
  options.index_bytes_max = config.index_bytes_max;
  return options;
}

// Of what is on its way, either way.
std::string StagingDirectory(const TeamCache::Base& base) { return base.directory + "/arriving"; }

absl::StatusOr<std::unique_ptr<SharedCache>> OpenShared(const Config& config, const TeamCache::Base& base) {
  if (config.remote.endpoint.empty() && config.s3.bucket.empty()) return nullptr;
  const std::string staging_directory = StagingDirectory(base);
  RETURN_IF_ERROR(base.files.MakeDirectories(staging_directory, 0700));
  if (!config.remote.endpoint.empty()) {
    return OpenRemoteCache(OptionsOf(config.remote, staging_directory), Clock::Steady());
  }
  return OpenBucketCache(OptionsOf(config.s3), staging_directory, base.clock);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TeamCache>> TeamCache::Open(const Config& config, const Base& base) {
  auto team = std::make_unique<TeamCache>();
  ASSIGN_OR_RETURN(team->shared_, OpenShared(config, base));
  if (!team->shared_) return team;
  SharedCache& shared = *team->shared_;
  team->references_.emplace(base.store.table("references"));
  const ShareMode mode = config.remote.endpoint.empty() ? config.s3.mode : config.remote.mode;
  if (mode != ShareMode::kWriteOnly) {
    team->fetcher_.emplace(shared, base.store.blobs(), base.actions, *team->references_, base.counters, base.clock,
                           StagingDirectory(base));
  }
  if (mode != ShareMode::kReadOnly) {
    team->publisher_.emplace(shared, base.store.blobs(), base.store.actions(), base.store.table("outbox"),
                             base.store.table("published"), *team->references_, base.counters, base.clock,
                             StagingDirectory(base));
  }
  team->builds_.emplace(team->parts(), base.actions, base.files, base.digests, base.clock);
  return team;
}

TeamParts TeamCache::parts() {
  return {fetcher_ ? &*fetcher_ : nullptr, publisher_ ? &*publisher_ : nullptr, shared_.get(),
          builds_ ? &*builds_ : nullptr};
}

}  // namespace smelt
