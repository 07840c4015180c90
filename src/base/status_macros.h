#ifndef SMELT_BASE_STATUS_MACROS_H_
#define SMELT_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the calling function with the status that `expression` yields, unless it is OK. The function returns
// absl::Status or absl::StatusOr<T>.
#define RETURN_IF_ERROR(expression)                        \
  do {                                                     \
    if (absl::Status smelt_status_ = (expression); true) { \
      if (!smelt_status_.ok()) return smelt_status_;       \
    }                                                      \
  } while (false)

// Evaluates `expression`, a StatusOr<T>: returns its status if it is an error, else moves its value to `target`, which
// may be a declaration: ASSIGN_OR_RETURN(FileStat stat, files.Stat(path)). Two statements: not for an `if` without
// braces. A comma in `target` or `expression` needs parentheses around it or a typedef.
#define ASSIGN_OR_RETURN(target, expression) \
  SMELT_ASSIGN_OR_RETURN_(SMELT_STATUS_JOIN_(smelt_or_, __LINE__), target, expression)

#define SMELT_STATUS_JOIN_(a, b) SMELT_STATUS_JOIN_AGAIN_(a, b)
#define SMELT_STATUS_JOIN_AGAIN_(a, b) a##b
#define SMELT_ASSIGN_OR_RETURN_(variable, target, expression) \
  auto variable = (expression);                               \
  if (!variable.ok()) return std::move(variable).status();    \
  target = std::move(variable).value()

#endif  // SMELT_BASE_STATUS_MACROS_H_
