#ifndef SMELT_SERVICES_AUDIT_AUDIT_LOG_H_
#define SMELT_SERVICES_AUDIT_AUDIT_LOG_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "src/auth/authorizer.h"
#include "src/base/clock.h"
#include "src/base/line_limit.h"
#include "src/digest/digest.h"

namespace smelt {

inline constexpr std::int64_t kRefusalsPerSecond = 20;

// Who wrote which result, and who was refused what: one line each, which begins with "audit: " and never holds what a
// caller proves itself with. Callers' own words are in quotes, cut at 256 bytes, and have no character that could begin
// another line. Every write has its line; of refusals, which strangers can cause, at most kRefusalsPerSecond have one,
// and the next line says how many had none. Thread-safe.
class AuditLog {
 public:
  using Sink = std::function<void(const std::string& line)>;

  // `sink` takes a line without its end; without one it goes to the program's log. `clock` lives longer than this.
  explicit AuditLog(Clock& clock, Sink sink = {});

  // A result was written: audit: wrote result ACTION instance "main" by "ci" (writer) from ipv4:10.0.0.1:5
  void Wrote(const Principal& who, const std::string& peer, std::string_view instance, const Digest& action);

  // A call was refused: audit: refused instance "main" from ipv4:10.0.0.1:5: UNAUTHENTICATED: the token has expired
  void Refused(const std::string& peer, std::string_view instance, const absl::Status& reason);

 private:
  const Sink sink_;
  LineLimit refusals_;
};

// Keeps an audit of what `inner` refuses. Both live longer than it.
class AuditingAuthorizer : public Authorizer {
 public:
  AuditingAuthorizer(Authorizer& inner, AuditLog& audit) : inner_(inner), audit_(audit) {}

  absl::StatusOr<Principal> Authorize(const Credentials& credentials, std::optional<std::string_view> instance,
                                      Permission permission) override;
  absl::StatusOr<Principal> WouldAuthorize(const Credentials& credentials, std::optional<std::string_view> instance,
                                           Permission permission) override;

 private:
  Authorizer& inner_;
  AuditLog& audit_;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_AUDIT_AUDIT_LOG_H_
