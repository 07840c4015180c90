#ifndef SMELT_CMD_ADMIN_COMMANDS_H_
#define SMELT_CMD_ADMIN_COMMANDS_H_

#include <string>
#include <vector>

namespace smelt {

// `smelt-server gc` and `smelt-server status`: ask a server, print what it says, and end. For cron: 0 when it is done,
// 1 when the server refuses or cannot be reached, 2 for a command line that cannot be.
int RunAdminCommand(const std::string& name, const std::vector<std::string>& arguments);

// `smelt-server hash-token`: reads a token from standard input and prints what the configuration keeps of it.
int HashTokenCommand();

}  // namespace smelt

#endif  // SMELT_CMD_ADMIN_COMMANDS_H_
