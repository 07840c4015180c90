#include "src/services/zstd/forms_index.h"

#include <gtest/gtest.h>

#include "src/digest/hasher.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using testing::IsEmpty;

FormRow Row(const std::string& file, std::int64_t begin) {
  return {file, DigestOf(file), begin, DigestOf("form of " + file)};
}

TEST(FormsIndexTest, GivesBackItsRows) {
  const std::vector<FormRow> rows = {Row("frames-1", 0), Row("frames-2", INT64_MAX)};
  EXPECT_THAT(ParseFormRows(SerializeFormRows(rows)), IsOkAndHolds(rows));
  EXPECT_THAT(ParseFormRows(SerializeFormRows({})), IsOkAndHolds(IsEmpty()));
}

TEST(FormsIndexTest, WhatHasChangedIsNone) {
  const std::string text = SerializeFormRows({Row("frames-1", 4096)});
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] ^= 1;
    EXPECT_THAT(ParseFormRows(changed), StatusIs(absl::StatusCode::kDataLoss)) << at;
    EXPECT_THAT(ParseFormRows(text.substr(0, at)), StatusIs(absl::StatusCode::kDataLoss)) << at;
  }
}

TEST(FormsIndexTest, RowsThatSayNoPlaceAreNone) {
  const FormRow good = Row("frames-1", 0);
  for (const char* file : {"", "../frames-1", "a/b", "frames 1", "."}) {
    FormRow row = good;
    row.file = file;
    EXPECT_THAT(ParseFormRows(SerializeFormRows({row})), StatusIs(absl::StatusCode::kDataLoss)) << file;
  }
  FormRow before = good;
  before.begin = -1;
  EXPECT_THAT(ParseFormRows(SerializeFormRows({before})), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace smelt
