#include "src/auth/role.h"

#include <array>
#include <cstddef>

namespace smelt {
namespace {

constexpr std::array<std::string_view, 5> kRoles = {"reader", "developer", "writer", "executor", "administrator"};
constexpr std::array<std::string_view, 7> kPermissions = {
    "read blobs", "write blobs", "read action results", "write action results", "execute", "take work", "administer"};

}  // namespace

std::optional<Role> ParseRole(std::string_view name) {
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    if (kRoles[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

std::string_view NameOf(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

std::string_view RoleNames() { return "reader, developer, writer, executor, administrator"; }

std::string_view NameOf(Permission permission) { return kPermissions[static_cast<std::size_t>(permission)]; }

bool May(Role role, Permission permission) {
  switch (permission) {
    case Permission::kReadBlobs:
    case Permission::kReadActions:
      return true;
    case Permission::kWriteBlobs:
      return role != Role::kReader;
    case Permission::kWriteActions:
      return role == Role::kWriter;
    case Permission::kExecute:
      return role == Role::kDeveloper || role == Role::kWriter || role == Role::kAdministrator;
    case Permission::kLease:
      return role == Role::kExecutor;
    case Permission::kAdminister:
      return role == Role::kAdministrator;
  }
  return false;
}

}  // namespace smelt
