#ifndef SMELT_SERVICES_ZSTD_FORMS_INDEX_H_
#define SMELT_SERVICES_ZSTD_FORMS_INDEX_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "src/digest/digest.h"

namespace smelt {

// Where a blob's zstd form lies while no server runs.
struct FormRow {
  std::string file;  // its name: letters, digits and "-"
  Digest blob;
  std::int64_t begin = 0;  // in the file
  Digest form;             // its bytes are there if they have this digest

  friend bool operator==(const FormRow&, const FormRow&) = default;
};

// A line "<file> <blob> <begin> <form>" for each row, and one with the digest of all lines.
std::string SerializeFormRows(const std::vector<FormRow>& rows);

// The reverse. DATA_LOSS for anything else.
absl::StatusOr<std::vector<FormRow>> ParseFormRows(std::string_view text);

}  // namespace smelt

#endif  // SMELT_SERVICES_ZSTD_FORMS_INDEX_H_
