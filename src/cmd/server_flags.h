#ifndef SMELT_CMD_SERVER_FLAGS_H_
#define SMELT_CMD_SERVER_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/config/server_config.h"

namespace smelt {

// What smelt-server is to do, from its configuration file and its command line, which wins. Without a file there is no
// status page unless --status asks for one. INVALID_ARGUMENT or FAILED_PRECONDITION says what would be right.
absl::StatusOr<ServerConfig> ParseServerFlags(const std::vector<std::string>& arguments);

// All about the command line.
extern const char kServerUsage[];

}  // namespace smelt

#endif  // SMELT_CMD_SERVER_FLAGS_H_
