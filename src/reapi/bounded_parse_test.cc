#include "src/reapi/bounded_parse.h"

#include <string>
#include <string_view>

#include "fmt/format.h"
#include "google/protobuf/unknown_field_set.h"
#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/testing/peak_memory.h"
#include "src/testing/status_matchers.h"

namespace smelt::reapi {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

namespace v2 = build::bazel::remote::execution::v2;

constexpr std::string_view kEmptyFile("\x12\x00", 2);  // ActionResult.output_files
constexpr std::string_view kEmptyNode("\x0a\x00", 2);  // Directory.files

std::string Repeated(std::string_view unit, std::int64_t times) {
  std::string text;
  for (std::int64_t i = 0; i < times; ++i) text += unit;
  return text;
}

// A field that no message of REAPI has, with a text.
std::string Padding(std::size_t bytes) {
  google::protobuf::UnknownFieldSet fields;
  fields.AddLengthDelimited(2047)->assign(bytes, 'x');
  std::string text;
  EXPECT_TRUE(fields.SerializeToString(&text));
  return text;
}

TEST(BoundedParseTest, ALittleMayHaveAnyFields) {
  EXPECT_OK(ParseResult(""));
  const auto result = ParseResult(Repeated(kEmptyFile, kFieldsAlways));
  ASSERT_OK(result);
  EXPECT_EQ(result->output_files_size(), kFieldsAlways);
}

TEST(BoundedParseTest, FieldsNeedBytes) {
  const std::string text = Padding(1'000'000);
  const std::int64_t more = (static_cast<std::int64_t>(text.size()) + 2 * kFieldsAlways) / kBytesPerField;
  EXPECT_OK(ParseResult(text + Repeated(kEmptyFile, kFieldsAlways + more - 1)));
  EXPECT_THAT(ParseResult(text + Repeated(kEmptyFile, kFieldsAlways + 2 * more)),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("ActionResult: ")));
}

TEST(BoundedParseTest, FieldsOfWhatIsWithinCount) {
  v2::ActionResult result;
  for (int i = 0; i < 3; ++i) {
    result.add_output_files()->mutable_node_properties()->ParseFromString(Repeated(kEmptyNode, 100'000));
  }
  EXPECT_THAT(ParseResult(result.SerializeAsString()), StatusIs(StatusCode::kInvalidArgument));
  for (const std::string& unknown :
       {std::string("\x78\x01", 2), std::string("\x7a\x00", 2), std::string("\x7d\x00\x00\x00\x00", 5)}) {
    EXPECT_THAT(ParseResult(Repeated(unknown, 750'000)), StatusIs(StatusCode::kInvalidArgument)) << unknown;
  }
}

TEST(BoundedParseTest, WhatIsNoMessageIsRefused) {
  for (const char* text : {"\x12", "\x12\x7f", "\x07", "\xff\xff\xff\xff\xff\xff"}) {
    EXPECT_THAT(ParseResult(text), StatusIs(StatusCode::kInvalidArgument, HasSubstr("not a "))) << text;
    EXPECT_THAT(ParseResult(Padding(1 << 20) + text), StatusIs(StatusCode::kInvalidArgument, HasSubstr("not a ")))
        << text;
  }
  const std::string groups = Repeated("\x7b\x7c", 150'000);
  EXPECT_THAT(ParseResult(groups), StatusIs(StatusCode::kInvalidArgument, HasSubstr("not a ")));
}

TEST(BoundedParseTest, AResultHasABound) {
  v2::ActionResult result;
  result.set_stdout_raw(std::string(kResultBytesMax - 5, 'x'));
  ASSERT_EQ(static_cast<std::int64_t>(result.ByteSizeLong()), kResultBytesMax);
  EXPECT_OK(CheckResultSize(result));
  EXPECT_OK(ParseResult(result.SerializeAsString()));
  result.mutable_stdout_raw()->push_back('x');
  EXPECT_THAT(CheckResultSize(result), StatusIs(StatusCode::kInvalidArgument, HasSubstr("4000000 are allowed")));
  EXPECT_THAT(ParseResult(result.SerializeAsString()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("4000000 are allowed")));
}

TEST(BoundedParseTest, WhatIsKeptIsRead) {
  v2::ActionResult result;
  for (int i = 0; i < 1'500'000; ++i) result.add_output_files();
  EXPECT_THAT(CheckResultSize(result), StatusIs(StatusCode::kInvalidArgument, HasSubstr("fields")));
  result.mutable_output_files()->DeleteSubrange(kFieldsAlways, 1'500'000 - kFieldsAlways);
  EXPECT_OK(CheckResultSize(result));
}

TEST(BoundedParseTest, RealOnesAreFarFromIt) {
  v2::ActionResult result;
  for (int i = 0; i < 40'000; ++i) {
    v2::OutputFile& file = *result.add_output_files();
    file.set_path(fmt::format("{}", i));
    *file.mutable_digest() = ToProto(DigestOf(file.path()));
    file.set_is_executable(true);
  }
  EXPECT_OK(ParseResult(result.SerializeAsString()));
  v2::Directory directory;
  for (int i = 0; i < 150'000; ++i) {
    v2::FileNode& file = *directory.add_files();
    file.set_name(fmt::format("{}", i));
    *file.mutable_digest() = ToProto(DigestOf(file.name()));
    file.mutable_node_properties()->mutable_unix_mode()->set_value(0100644);
  }
  EXPECT_OK(ParseDirectory(directory.SerializeAsString()));
}

TEST(BoundedParseTest, WhatSaysNothingTakesNoMemory) {
  const std::string results = Repeated(kEmptyFile, kResultBytesMax / 2);
  const std::string nodes = Repeated(kEmptyNode, kDirectoryBytesMax / 2);
  const PeakMemory memory;
  EXPECT_THAT(ParseResult(results), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseDirectory(nodes), StatusIs(StatusCode::kInvalidArgument, HasSubstr("fields")));
  EXPECT_THAT(ParseDirectory(nodes + nodes), StatusIs(StatusCode::kInvalidArgument, HasSubstr("are allowed")));
  EXPECT_LT(memory.Grown(), 1 << 20);
}

}  // namespace
}  // namespace smelt::reapi
