#include "src/auth/authenticator.h"

#include <utility>

namespace smelt {

Identity MakeIdentity(std::string name, const AuthOptions::Grant& grant) {
  return {std::move(name), grant.role, std::vector<Glob>(grant.instances.begin(), grant.instances.end())};
}

}  // namespace smelt
