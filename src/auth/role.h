#ifndef SMELT_AUTH_ROLE_H_
#define SMELT_AUTH_ROLE_H_

#include <optional>
#include <string_view>

#include "src/auth/authorizer.h"

namespace smelt {

// What kind of caller somebody is; docs/server.md says who is what.
enum class Role {
  kReader,         // a laptop: reads
  kDeveloper,      // a laptop of somebody who may execute remotely: reads, uploads inputs, executes; writes no results
  kWriter,         // CI: all that a developer may, and writes results
  kExecutor,       // a worker: reads, uploads outputs, takes work; its results are written by the scheduler
  kAdministrator,  // reads, uploads, executes, administers; writes no results
};

// "reader", "developer", ...; nullopt for anything else.
std::optional<Role> ParseRole(std::string_view name);
std::string_view NameOf(Role role);

// All names, for errors: "reader, developer, ...".
std::string_view RoleNames();

// The table of roles and permissions.
bool May(Role role, Permission permission);

// For errors, as in "may not ...": "read blobs".
std::string_view NameOf(Permission permission);

}  // namespace smelt

#endif  // SMELT_AUTH_ROLE_H_
