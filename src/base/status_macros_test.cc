#include "src/base/status_macros.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace smelt {
namespace {

absl::StatusOr<std::unique_ptr<int>> Box(int value) {
  if (value < 0) return absl::OutOfRangeError("negative");
  return std::make_unique<int>(value);
}

absl::StatusOr<int> Sum(int a, int b, int* evaluated) {
  ASSIGN_OR_RETURN(const std::unique_ptr<int> first, Box(a));
  ++*evaluated;
  ASSIGN_OR_RETURN(std::unique_ptr<int> second, Box(b));
  ++*evaluated;
  return *first + *second;
}

absl::Status Check(absl::Status status, bool* reached) {
  RETURN_IF_ERROR(status);
  *reached = true;
  return absl::OkStatus();
}

TEST(StatusMacrosTest, AssignsValuesThatCanOnlyBeMoved) {
  int evaluated = 0;
  EXPECT_EQ(*Sum(1, 2, &evaluated), 3);
}

TEST(StatusMacrosTest, ReturnsTheFirstErrorAndStopsThere) {
  int evaluated = 0;
  EXPECT_EQ(Sum(1, -1, &evaluated).status(), absl::OutOfRangeError("negative"));
  EXPECT_EQ(evaluated, 1);
}

TEST(StatusMacrosTest, ReturnsOnlyOnError) {
  bool reached = false;
  EXPECT_EQ(Check(absl::AbortedError("no"), &reached), absl::AbortedError("no"));
  EXPECT_FALSE(reached);
  EXPECT_TRUE(Check(absl::OkStatus(), &reached).ok());
  EXPECT_TRUE(reached);
}

}  // namespace
}  // namespace smelt
