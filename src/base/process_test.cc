#include "src/base/process.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<std::string> Shell(const std::string& script, std::int64_t timeout_ms = 60'000) {
  return OutputOf({"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin", "V=a b"}, timeout_ms);
}

TEST(OutputOf, IsWhatWasWrittenToStdoutAlone) {
  EXPECT_THAT(Shell("printf 'one\\ntwo'; echo three >&2"), IsOkAndHolds("one\ntwo"));
  EXPECT_THAT(Shell(":"), IsOkAndHolds(""));
}

TEST(OutputOf, ArgumentsArriveAsTheyAre) {
  EXPECT_THAT(OutputOf({"/bin/echo", "a  b", "", "$V"}, {}), IsOkAndHolds("a  b  $V\n"));
}

TEST(OutputOf, TheEnvironmentIsWhatWasGivenAndNothingElse) {
  EXPECT_THAT(Shell("echo \"$V\" \"$HOME\""), IsOkAndHolds("a b \n"));
}

TEST(OutputOf, ThereIsNothingOnStdin) { EXPECT_THAT(Shell("cat; echo end"), IsOkAndHolds("end\n")); }

TEST(OutputOf, AnEndInErrorIsAnErrorThatNamesTheCommand) {
  EXPECT_THAT(Shell("echo x; exit 3"), StatusIs(absl::StatusCode::kInternal, HasSubstr("/bin/sh")));
  EXPECT_THAT(Shell("kill -9 $$"), StatusIs(absl::StatusCode::kInternal));
}

TEST(OutputOf, WhatCannotBeStartedIsAnErrorThatNamesIt) {
  EXPECT_THAT(OutputOf({"/no/such/program"}, {}), StatusIs(absl::StatusCode::kInternal, HasSubstr("/no/such/program")));
  EXPECT_THAT(OutputOf({"/"}, {}), StatusIs(absl::StatusCode::kInternal));
}

TEST(OutputOf, AMebibyteIsTheMost) {
  constexpr std::size_t kMost = 1 << 20;
  auto most = Shell("head -c 1048576 /dev/zero");
  ASSERT_OK(most);
  EXPECT_EQ(most->size(), kMost);
  EXPECT_THAT(Shell("head -c 1048577 /dev/zero"), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Shell("cat /dev/zero"), StatusIs(absl::StatusCode::kInternal)) << "it is killed";
}

TEST(OutputOf, WhatTakesTooLongIsKilled) {
  EXPECT_THAT(Shell("exec sleep 600", 20), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Shell("exec >&-; exec sleep 600", 20), StatusIs(absl::StatusCode::kInternal)) << "it only said nothing";
}

}  // namespace
}  // namespace smelt
