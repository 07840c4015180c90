#ifndef SMELT_CONFIG_CONFIG_H_
#define SMELT_CONFIG_CONFIG_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace smelt {

// The daemon's configuration. Every field has a default with which smelt works; docs/configuration.md shows the file.
struct Config {
  std::string file;  // where it was read from; empty if there is no file

  // [cache]
  std::int64_t cache_bytes_max = 20LL << 30;  // size = "20GiB"            SMELT_CACHE_SIZE

  // [daemon]
  std::int64_t idle_seconds = 3 * 3600;  // idle_timeout = "3h"       SMELT_IDLE_TIMEOUT

  // [rustc]
  bool incremental = true;  // incremental = "edited" | "never"   SMELT_INCREMENTAL
  bool remap = true;        // remap = true              SMELT_REMAP

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
