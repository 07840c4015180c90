#ifndef SMELT_AUTH_ROLE_AUTHORIZER_H_
#define SMELT_AUTH_ROLE_AUTHORIZER_H_

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "src/auth/auth_options.h"
#include "src/auth/authenticator.h"
#include "src/auth/authorizer.h"
#include "src/base/clock.h"

namespace smelt {

// Finds out who is asking, with the first authenticator that knows, and then looks at that identity's instances and
// role. A token that nobody knows is never a reason to treat its bearer as anonymous.
class RoleAuthorizer : public Authorizer {
 public:
  RoleAuthorizer(std::vector<std::unique_ptr<Authenticator>> authenticators,
                 std::optional<AuthOptions::Grant> anonymous);

  absl::StatusOr<Principal> Authorize(const Credentials& credentials, std::optional<std::string_view> instance,
                                      Permission permission) override;

 private:
  absl::StatusOr<Identity> Identify(const Credentials& credentials);

  std::vector<std::unique_ptr<Authenticator>> authenticators_;
  std::optional<Identity> anonymous_;
};

// The authorizer that the configuration asks for: AllowAll where it says nothing of authentication. `clock` lives
// longer than it.
std::unique_ptr<Authorizer> MakeAuthorizer(const AuthOptions& options, Clock& clock);

}  // namespace smelt

#endif  // SMELT_AUTH_ROLE_AUTHORIZER_H_
