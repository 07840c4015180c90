#ifndef SMELT_CONFIG_CONFIG_H_
#define SMELT_CONFIG_CONFIG_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "src/store/s3/s3_options.h"

namespace smelt {

// What may be done with a team's cache.
enum class ShareMode { kReadWrite, kReadOnly, kWriteOnly };

// [remote]: the team's server. Not used while `endpoint` is empty.
struct RemoteConfig {
  std::string endpoint;                    // endpoint = "grpcs://host:port"     SMELT_REMOTE_ENDPOINT
  std::string instance;                    // instance = ""                      SMELT_REMOTE_INSTANCE
  std::string token;                       // token = ""                         SMELT_REMOTE_TOKEN
  std::string token_file;                  // token_file = ""                    SMELT_REMOTE_TOKEN_FILE
  std::string token_command;               // token_command = ""                 SMELT_REMOTE_TOKEN_COMMAND
  std::string ca_file;                     // ca_file = ""                       SMELT_REMOTE_CA_FILE
  std::string client_cert;                 // client_cert = ""                   SMELT_REMOTE_CLIENT_CERT
  std::string client_key;                  // client_key = ""                    SMELT_REMOTE_CLIENT_KEY
  ShareMode mode = ShareMode::kReadWrite;  // mode = "read-write" | "read-only" | "write-only"  SMELT_REMOTE_MODE
  std::string compression = "auto";        // compression = "auto" | "zstd" | "none"            SMELT_REMOTE_COMPRESSION
  std::int64_t timeout_seconds = 10;       // timeout = "10s"                    SMELT_REMOTE_TIMEOUT
};

// [cache.s3]: the team's bucket, without a server. Not used while `bucket` is empty, or where there is a [remote].
struct S3Config {
  std::string bucket;                      // bucket = ""                  SMELT_S3_BUCKET
  std::string region;                      // region = ""                  SMELT_S3_REGION
  std::string endpoint;                    // endpoint = ""                SMELT_S3_ENDPOINT
  bool use_ssl = true;                     // use_ssl = true               SMELT_S3_USE_SSL
  std::string key_prefix;                  // key_prefix = ""              SMELT_S3_KEY_PREFIX
  bool virtual_host_style = false;         // virtual_host_style = false   SMELT_S3_VIRTUAL_HOST_STYLE
  std::string ca_file;                     // ca_file = ""                 SMELT_S3_CA_FILE
  bool no_credentials = false;             // no_credentials = false       SMELT_S3_NO_CREDENTIALS
  std::string profile;                     // profile = ""                 SMELT_S3_PROFILE
  ShareMode mode = ShareMode::kReadWrite;  // mode = "read-write"      SMELT_S3_MODE

  // index_memory = "2GiB"                                                 SMELT_S3_INDEX_MEMORY
  std::int64_t index_bytes_max = S3Options().index_bytes_max;

  // server_side_encryption = false, true or "AES256", "aws:kms"           SMELT_S3_SERVER_SIDE_ENCRYPTION
  S3Options::Encryption encryption = S3Options::Encryption::kNone;
  std::string kms_key_id;  // kms_key_id = ""              SMELT_S3_KMS_KEY_ID
};

// Which units have incremental state: none; those that are being edited; the same, and it is made behind the build for
// those that have just been compiled, so that their first edit finds it.
enum class Incremental { kNever, kEdited, kAhead };

// The daemon's configuration. Every field has a default with which smelt works; docs/configuration.md shows the file.
struct Config {
  std::string file;  // where it was read from; empty if there is no file

  // [cache]
  std::int64_t cache_bytes_max = 20LL << 30;  // size = "20GiB"            SMELT_CACHE_SIZE
  bool has_cache_size = false;                // it was said

  RemoteConfig remote;
  S3Config s3;

  // [daemon]
  std::int64_t idle_seconds = 3 * 3600;  // idle_timeout = "3h"       SMELT_IDLE_TIMEOUT

  // [rustc]
  Incremental incremental = Incremental::kAhead;  // incremental = "ahead" | "edited" | "never"   SMELT_INCREMENTAL
  bool remap = true;                              // remap = true              SMELT_REMAP

  // [verify]
  double verify_share = 0;  // share = 0.01              SMELT_VERIFY
};

// The value of an environment variable; nullopt if it is unset.
using GetVariable = std::function<std::optional<std::string>(const std::string& name)>;

// Reads $SMELT_CONFIG, else $XDG_CONFIG_HOME/smelt/config.toml, else $HOME/.config/smelt/config.toml, where a missing
// file is no error (but for $SMELT_CONFIG), and then the variables above, which win. INVALID_ARGUMENT names file, line,
// key and what would be right: for text that is not TOML, unknown tables and keys, wrong types and values out of range.
absl::StatusOr<Config> LoadConfig(const GetVariable& variable);

// The same for the text of a file; `name` is for errors.
absl::StatusOr<Config> ParseConfig(const std::string& text, const std::string& name);

// "500MB", "20GiB", "1.5 TiB", "4096" -> bytes. INVALID_ARGUMENT says what is accepted.
absl::StatusOr<std::int64_t> ParseSize(const std::string& text);

// "90s", "10m", "3h", "1d", "45" (seconds) -> seconds.
absl::StatusOr<std::int64_t> ParseDuration(const std::string& text);

}  // namespace smelt

#endif  // SMELT_CONFIG_CONFIG_H_
