#include "src/services/audit/audit_log.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "src/digest/hasher.h"
#include "src/testing/fake_clock.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class AuditLogTest : public testing::Test {
 protected:
  FakeClock clock_;
  std::vector<std::string> lines_;
  AuditLog audit_{clock_, [this](const std::string& line) { lines_.push_back(line); }};
};

TEST_F(AuditLogTest, AWriteSaysWhoWhatAndWhere) {
  const Digest action = DigestOf("action");
  audit_.Wrote({"ci", "writer"}, "ipv4:10.0.0.1:5", "main", action);
  EXPECT_THAT(lines_, ElementsAre("audit: wrote result " + action.ToString() +
                                  " instance \"main\" by \"ci\" (writer) from ipv4:10.0.0.1:5"));
}

TEST_F(AuditLogTest, EveryWriteHasItsLine) {
  for (int i = 0; i < 1000; ++i) audit_.Wrote({"ci", "writer"}, "unix:", "", DigestOf("action"));
  EXPECT_THAT(lines_, SizeIs(1000));
}

TEST_F(AuditLogTest, CallersCannotForgeALine) {
  audit_.Refused("unix:", "main\naudit: wrote \"x\\\x7f\xc3",
                 absl::PermissionDeniedError("no\r\n" + std::string(999, 'x')));
  ASSERT_THAT(lines_, SizeIs(1));
  EXPECT_THAT(lines_[0],
              HasSubstr(R"(instance "main\x0aaudit: wrote \"x\\\x7f\xc3" from unix:: PERMISSION_DENIED: "no\x0d\x0a)"));
  EXPECT_LT(lines_[0].size(), 500);
}

TEST_F(AuditLogTest, RefusalsAreCountedWhereTheyAreTooMany) {
  for (int i = 0; i < 1000; ++i) audit_.Refused("unix:", "main", absl::UnauthenticatedError("no token"));
  EXPECT_THAT(lines_, SizeIs(kRefusalsPerSecond));
  clock_.AdvanceSeconds(1);
  lines_.clear();
  audit_.Refused("unix:", "main", absl::UnauthenticatedError("no token"));
  audit_.Refused("unix:", "main", absl::UnauthenticatedError("no token"));
  const std::string line = R"(audit: refused instance "main" from unix:: UNAUTHENTICATED: "no token")";
  EXPECT_THAT(lines_, ElementsAre("audit: 980 more calls were refused", line, line));
}

class NobodyMay : public Authorizer {
 public:
  absl::StatusOr<Principal> Authorize(const Credentials&, std::optional<std::string_view>, Permission) override {
    return absl::PermissionDeniedError("nobody may");
  }
};

TEST_F(AuditLogTest, WhatIsOnlyAskedIsNoRefusal) {
  NobodyMay nobody;
  AuditingAuthorizer authorizer(nobody, audit_);
  const Credentials credentials{"Bearer canary", {}, "unix:"};
  EXPECT_THAT(authorizer.WouldAuthorize(credentials, "main", Permission::kWriteActions),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(lines_, SizeIs(0));
  EXPECT_THAT(authorizer.Authorize(credentials, "main", Permission::kWriteActions),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(lines_, ElementsAre(R"(audit: refused instance "main" from unix:: PERMISSION_DENIED: "nobody may")"));
}

TEST_F(AuditLogTest, WhoMayLeavesNoLine) {
  AllowAll everybody;
  AuditingAuthorizer authorizer(everybody, audit_);
  EXPECT_OK(authorizer.Authorize({}, "main", Permission::kWriteActions));
  EXPECT_THAT(lines_, SizeIs(0));
}

}  // namespace
}  // namespace smelt
