#ifndef SMELT_AUTH_AUTHORIZER_H_
#define SMELT_AUTH_AUTHORIZER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace smelt {

// What somebody wants to do. docs/server.md has the table of roles and permissions.
enum class Permission {
  kReadBlobs,  // also FindMissingBlobs
  kWriteBlobs,
  kReadActions,
  kWriteActions,
  kExecute,
  kLease,       // take work, as an executor
  kAdminister,  // collect garbage, see who is connected
};

// What a call says of its sender, as the transport gives it.
struct Credentials {
  std::string authorization;  // the header "authorization" ("Bearer <token>" or "Basic <base64>"); empty without one
  std::vector<std::string> certificate_names;  // of a verified client certificate: subject alternative names, then the
                                               // common name; empty without one
  std::string peer;                            // for the log: address and port
};

// Who that is.
struct Principal {
  std::string name;  // for the log and the audit; never a secret
  std::string role;
};

// Decides. Thread-safe; does not block but for rare refreshes of keys.
class Authorizer {
 public:
  virtual ~Authorizer() = default;

  // UNAUTHENTICATED if these credentials are none that it knows (expired, wrong audience, absent where some are
  // needed): the message says what is wrong with them and never contains them. PERMISSION_DENIED if it knows them, and
  // they may not do this in this instance; without one, which is for what belongs to none: in not a single instance.
  virtual absl::StatusOr<Principal> Authorize(const Credentials& credentials, std::optional<std::string_view> instance,
                                              Permission permission) = 0;

  // What Authorize would answer, as a question: nobody is refused anything, and no audit knows of it.
  virtual absl::StatusOr<Principal> WouldAuthorize(const Credentials& credentials,
                                                   std::optional<std::string_view> instance, Permission permission) {
    return Authorize(credentials, instance, permission);
  }
};

// Everybody may do everything: for a server that listens on loopback only, or was told --insecure.
class AllowAll : public Authorizer {
 public:
  absl::StatusOr<Principal> Authorize(const Credentials&, std::optional<std::string_view>, Permission) override {
    return Principal{"anonymous", "administrator"};
  }
};

}  // namespace smelt

#endif  // SMELT_AUTH_AUTHORIZER_H_
