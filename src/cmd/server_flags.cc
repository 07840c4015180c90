#include "src/cmd/server_flags.h"

#include <map>
#include <optional>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "src/base/status_macros.h"

namespace smelt {

const char kServerUsage[] =
    "usage: smelt-server [--config FILE] [--listen ADDRESS:PORT]... [--directory DIRECTORY] [FLAG...]\n"
    "       smelt-server hash-token < FILE\n"
    "       smelt-server gc|status --server ENDPOINT [FLAG...]\n"
    "  --config      the configuration (docs/server.md); flags win over it\n"
    "  --check       only say whether the configuration and the files it names are right\n"
    "  --version     only say which one this is\n"
    "  --listen      where to listen; port 0 takes a free one. May be given more than once\n"
    "  --directory   where blobs and results are kept\n"
    "  --status      where the status page and the metrics are: ADDRESS:PORT\n"
    "  --reflection  answer grpc.reflection.v1alpha\n"
    "  --insecure    listen beyond loopback although nobody is asked who they are\n";

namespace {

absl::Status Usage(const std::string& message) {
  return absl::InvalidArgumentError(fmt::format("{}\n{}", message, kServerUsage));
}

using Values = std::map<std::string, std::vector<std::string>>;

absl::StatusOr<Values> Collect(const std::vector<std::string>& arguments) {
  Values values;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& flag = arguments[i];
    if (flag == "--reflection" || flag == "--insecure" || flag == "--check") {
      values[flag];
    } else if (flag == "--config" || flag == "--listen" || flag == "--directory" || flag == "--status") {
      if (++i == arguments.size()) return Usage(flag + " needs a value");
      values[flag].push_back(arguments[i]);
    } else {
      return Usage("there is no flag " + flag);
    }
  }
  return values;
}

}  // namespace

absl::StatusOr<ServerConfig> ParseServerFlags(const std::vector<std::string>& arguments) {
  ASSIGN_OR_RETURN(Values values, Collect(arguments));
  ServerConfig config;
  if (values.count("--config") > 0) {
    ASSIGN_OR_RETURN(config, LoadServerConfig(values["--config"].back()));
  } else {
    if (values.count("--listen") == 0 || values.count("--directory") == 0) {
      return Usage("without --config, --listen and --directory are needed");
    }
    config.status.listen.clear();
  }
  if (values.count("--listen") > 0) config.server.listen = values["--listen"];
  if (values.count("--directory") > 0) config.storage.directory = values["--directory"].back();
  if (values.count("--status") > 0) config.status.listen = values["--status"].back();
  for (const char* flag : {"--listen", "--status"}) {
    for (const std::string& address : values[flag]) {
      if (absl::Status bad = CheckAddress(address); !bad.ok() && !address.empty()) {
        return Usage(fmt::format("{}: {}", flag, std::string(bad.message())));
      }
    }
  }
  if (values.count("--reflection") > 0) config.server.reflection = true;
  if (values.count("--insecure") > 0) config.server.insecure = true;
  RETURN_IF_ERROR(CheckExposure(config));
  return config;
}

}  // namespace smelt
