#include "src/services/audit/audit_log.h"

#include <utility>

#include "fmt/format.h"
#include "glog/logging.h"
#include "src/base/quoted.h"

namespace smelt {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

void ToTheLog(const std::string& line) { LOG(INFO) << line; }

}  // namespace

AuditLog::AuditLog(Clock& clock, Sink sink)
    : sink_(sink ? std::move(sink) : ToTheLog), refusals_(clock, kNanosPerSecond, kRefusalsPerSecond) {}

void AuditLog::Wrote(const Principal& who, const std::string& peer, std::string_view instance, const Digest& action) {
  sink_(fmt::format("audit: wrote result {} instance {} by {} ({}) from {}", action.ToString(), Quoted(instance),
                    Quoted(who.name), who.role, peer));
}

void AuditLog::Refused(const std::string& peer, std::string_view instance, const absl::Status& reason) {
  std::int64_t unsaid = 0;
  if (!refusals_.MaySay(unsaid)) return;
  if (unsaid > 0) sink_(fmt::format("audit: {} more calls were refused", unsaid));
  sink_(fmt::format("audit: refused instance {} from {}: {}: {}", Quoted(instance), peer,
                    absl::StatusCodeToString(reason.code()),
                    Quoted(std::string_view(reason.message().data(), reason.message().size()))));
}

absl::StatusOr<Principal> AuditingAuthorizer::Authorize(const Credentials& credentials,
                                                        std::optional<std::string_view> instance,
                                                        Permission permission) {
  absl::StatusOr<Principal> principal = inner_.Authorize(credentials, instance, permission);
  if (!principal.ok()) audit_.Refused(credentials.peer, instance.value_or(""), principal.status());
  return principal;
}

absl::StatusOr<Principal> AuditingAuthorizer::WouldAuthorize(const Credentials& credentials,
                                                             std::optional<std::string_view> instance,
                                                             Permission permission) {
  return inner_.WouldAuthorize(credentials, instance, permission);
}

}  // namespace smelt
