#ifndef SMELT_TESTING_STATUS_MATCHERS_H_
#define SMELT_TESTING_STATUS_MATCHERS_H_

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace smelt {
namespace status_matchers_internal {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

}  // namespace status_matchers_internal

// Matches an absl::Status or StatusOr that is OK. A failure prints the status.
MATCHER(IsOk, negation ? "is an error" : "is OK") {
  const absl::Status& status = status_matchers_internal::StatusOf(arg);
  if (!status.ok()) *result_listener << status.ToString();
  return status.ok();
}

// Matches an error with this code.
MATCHER_P(StatusIs, code, "has the code " + absl::StatusCodeToString(code)) {
  const absl::Status& status = status_matchers_internal::StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code;
}

// Matches an error with this code whose message, as a std::string, matches.
MATCHER_P2(StatusIs, code, message_matcher, "has the code " + absl::StatusCodeToString(code) + " and a given message") {
  const absl::Status& status = status_matchers_internal::StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code &&
         testing::ExplainMatchResult(message_matcher, std::string(status.message()), result_listener);
}

// Matches a StatusOr<T> that holds a value which matches.
MATCHER_P(IsOkAndHolds, value_matcher, "is OK and holds a given value") {
  if (!arg.ok()) {
    *result_listener << arg.status().ToString();
    return false;
  }
  return testing::ExplainMatchResult(value_matcher, *arg, result_listener);
}

}  // namespace smelt

#define ASSERT_OK(expression) ASSERT_THAT((expression), ::smelt::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT((expression), ::smelt::IsOk())

// Ends the test unless `expression`, a StatusOr<T>, is OK; else moves its value to `target`, which may be a
// declaration.
#define ASSERT_OK_AND_ASSIGN(target, expression) \
  SMELT_ASSERT_OK_AND_ASSIGN_(SMELT_MATCHERS_JOIN_(smelt_or_, __LINE__), target, expression)

#define SMELT_MATCHERS_JOIN_(a, b) SMELT_MATCHERS_JOIN_AGAIN_(a, b)
#define SMELT_MATCHERS_JOIN_AGAIN_(a, b) a##b
#define SMELT_ASSERT_OK_AND_ASSIGN_(variable, target, expression) \
  auto variable = (expression);                                   \
  ASSERT_OK(variable);                                            \
  target = std::move(variable).value()

#endif  // SMELT_TESTING_STATUS_MATCHERS_H_
