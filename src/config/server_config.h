#ifndef SMELT_CONFIG_SERVER_CONFIG_H_
#define SMELT_CONFIG_SERVER_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/auth/auth_options.h"
#include "src/config/named_file.h"
#include "src/store/s3/s3_options.h"

namespace smelt {

// The configuration of smelt-server, table by table; docs/server.md shows the file and says what each key means.
struct ServerConfig {
  std::string file;  // where it was read from

  struct {
    std::vector<std::string> listen = {"127.0.0.1:8980"};
    bool insecure = false;  // listens beyond loopback although nobody is asked who they are
    bool reflection = false;
    std::int64_t drain_seconds = 30;
  } server;

  struct {
    std::string directory = "/var/lib/smelt";
    std::int64_t size = 100LL << 30;
    std::int64_t free = 5LL << 30;
    std::int64_t lease_seconds = 3 * 3600;
    double high = 0.9, low = 0.8;
  } storage;

  struct {
    std::string certificate, key, client_ca;  // files; empty without
  } tls;

  struct {
    std::string listen = "127.0.0.1:8981";  // "" for none
    bool open = false;                      // the page and /status ask for no token
  } status;

  struct {
    std::int64_t memory = 256 << 20;
    std::int64_t blob = 64LL << 30;
    std::int64_t streams = 256;  // of one connection
    std::int64_t idle_seconds = 60;
  } limits;

  std::optional<S3Options> s3;
  AuthOptions auth;
  std::vector<std::pair<std::string, std::string>> parents;  // [[instance]]: pattern of names -> the parent's name

  std::vector<NamedFile> files;  // all that are named above, in the order of the file; nobody has looked at them
};

// INVALID_ARGUMENT names file, line, key and what would be right: for text that is not TOML, unknown tables and keys,
// wrong types, values out of range, and keys that are missing beside others.
absl::StatusOr<ServerConfig> ParseServerConfig(const std::string& text, const std::string& file);

// The same for a file.
absl::StatusOr<ServerConfig> LoadServerConfig(const std::string& file);

// FAILED_PRECONDITION, with what to do, if this server could be reached from other machines while nobody is asked who
// they are. Unix sockets and loopback addresses are not reached from there.
absl::Status CheckExposure(const ServerConfig& config);

// INVALID_ARGUMENT, saying what would be right, for what is not HOST:PORT, [IPV6]:PORT, :PORT (all of this machine's
// addresses) or unix:/PATH.
absl::Status CheckAddress(std::string_view address);

// "127.0.0.1:1", "[::1]:1", "localhost:1", "unix:/path".
bool IsLocalAddress(std::string_view address);

}  // namespace smelt

#endif  // SMELT_CONFIG_SERVER_CONFIG_H_
