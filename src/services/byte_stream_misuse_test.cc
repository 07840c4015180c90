// What clients must not do with ByteStream.Write: each ends with a clear code, and nothing becomes visible.
#include <string>
#include <vector>

#include "src/services/testing/server_fixture.h"
#include "src/services/zstd/zstd_codec.h"

namespace smelt {
namespace {

using grpc::StatusCode;

const std::string kBlob = "twelve bytes";
const Digest kDigest = DigestOf(kBlob);
const std::string kName = "uploads/u/blobs/" + kDigest.ToString();
const std::string kZstd = "uploads/u/compressed-blobs/zstd/" + kDigest.ToString();

struct Message {
  std::string name;
  std::int64_t offset = 0;
  std::string data;
  bool finish = false;
};

struct Misuse {
  const char* what;
  std::vector<Message> messages;
  StatusCode code = StatusCode::INVALID_ARGUMENT;
};

class Misuses : public ServerTest, public testing::WithParamInterface<Misuse> {
 protected:
  grpc::Status Write(const std::vector<Message>& messages) {
    CallContext context;
    bs::WriteResponse response;
    auto writer = bytes_->Write(&context, &response);
    for (const Message& message : messages) {
      bs::WriteRequest request;
      request.set_resource_name(message.name);
      request.set_write_offset(message.offset);
      request.set_data(message.data);
      request.set_finish_write(message.finish);
      if (!writer->Write(request)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }
};

TEST_P(Misuses, AreRefusedAndNothingIsSeen) {
  EXPECT_THAT(Write(GetParam().messages), HasCode(GetParam().code)) << GetParam().what;
  EXPECT_FALSE(Has(kDigest));
  EXPECT_THAT(Write({{kName, 0, kBlob, true}}), HasCode(StatusCode::OK)) << "a good upload after it";
  EXPECT_TRUE(Has(kDigest));
}

TEST_F(ServerTest, MessagesThatSayNothing) {
  CallContext context;
  bs::WriteResponse response;
  bs::WriteRequest request;
  request.set_resource_name(kName);
  AddEmptyFields(request);
  auto writer = bytes_->Write(&context, &response);
  writer->Write(request);
  writer->WritesDone();
  EXPECT_THAT(writer->Finish(), HasCode(StatusCode::INVALID_ARGUMENT, "WriteRequest: 4"));
  CallContext another;
  bs::QueryWriteStatusRequest query;
  query.set_resource_name(kName);
  AddEmptyFields(query);
  bs::QueryWriteStatusResponse answer;
  EXPECT_THAT(bytes_->QueryWriteStatus(&another, query, &answer), HasCode(StatusCode::INVALID_ARGUMENT, "fields"));
}

std::string OfSize(std::string_view size) { return "uploads/u/blobs/" + kDigest.Hex() + "/" + std::string(size); }

INSTANTIATE_TEST_SUITE_P(
    Names, Misuses,
    testing::ValuesIn(std::vector<Misuse>{
        {"no message at all", {}},
        {"no name", {{"", 0, kBlob, true}}},
        {"a name for reading", {{"blobs/" + kDigest.ToString(), 0, kBlob, true}}},
        {"no uuid", {{"uploads//blobs/" + kDigest.ToString(), 0, kBlob, true}}},
        {"a way out", {{"../uploads/u/blobs/" + kDigest.ToString(), 0, kBlob, true}}},
        {"a percent", {{"%2e%2e/uploads/u/blobs/" + kDigest.ToString(), 0, kBlob, true}}},
        {"NUL", {{std::string("a\0/", 3) + kName, 0, kBlob, true}}},
        {"64 KiB", {{std::string(64 << 10, 'a') + "/" + kName, 0, kBlob, true}}},
        {"another function", {{"uploads/u/blobs/blake3/" + kDigest.ToString(), 0, kBlob, true}}},
        {"another compressor", {{"uploads/u/compressed-blobs/brotli/" + kDigest.ToString(), 0, kBlob, true}}},
        {"a negative size", {{OfSize("-1"), 0, kBlob, true}}},
        {"an overflowing size", {{OfSize("9223372036854775808"), 0, kBlob, true}}},
        {"a size beyond the limit", {{OfSize("9223372036854775807"), 0, kBlob, true}}},
        {"the empty hash with a size", {{"uploads/u/blobs/" + DigestOf("").Hex() + "/12", 0, kBlob, true}}},
        {"size 0 with a hash", {{OfSize("0"), 0, "", true}}},
    }));

INSTANTIATE_TEST_SUITE_P(
    Contents, Misuses,
    testing::ValuesIn(std::vector<Misuse>{
        {"other bytes", {{kName, 0, "TWELVE BYTES", true}}},
        {"other bytes in two messages", {{kName, 0, "TWELVE", false}, {"", 6, " BYTES", true}}},
        {"too short", {{kName, 0, "twelve", true}}},
        {"too long", {{kName, 0, kBlob + "!", true}}},
        {"nothing", {{kName, 0, "", true}}},
        {"too short in two messages", {{kName, 0, "twelve", false}, {"", 6, " byte", true}}},
        {"too long in two messages", {{kName, 0, "twelve", false}, {"", 6, " bytes!", true}}},
        {"too long, never finished", {{kName, 0, kBlob + "!", false}}},
        {"one byte more than all", {{kName, 0, kBlob, false}, {"", 12, "!", true}}},
        {"megabytes for twelve bytes", {{kName, 0, std::string(3 << 20, 'x'), false}}},
        {"a message beyond the limit", {{kName, 0, std::string(9 << 20, 'x'), true}}, StatusCode::RESOURCE_EXHAUSTED},
        {"a smaller size than the bytes have", {{OfSize("11"), 0, kBlob, true}}},
        {"a larger size than the bytes have", {{OfSize("13"), 0, kBlob, true}}},
    }));

INSTANTIATE_TEST_SUITE_P(
    Offsets, Misuses,
    testing::ValuesIn(std::vector<Misuse>{
        {"negative", {{kName, -1, kBlob, true}}},
        {"the least", {{kName, INT64_MIN, kBlob, true}}},
        {"of an upload that nobody began", {{kName, 5, "e bytes", true}}, StatusCode::ABORTED},
        {"the largest", {{kName, INT64_MAX, kBlob, true}}, StatusCode::ABORTED},
        {"a gap", {{kName, 0, "twelve", false}, {"", 7, "bytes", true}}},
        {"back", {{kName, 0, "twelve", false}, {"", 5, "e bytes", true}}},
        {"the same twice", {{kName, 0, "twelve", false}, {"", 0, kBlob, true}}},
        {"negative later", {{kName, 0, "twelve", false}, {"", -6, " bytes", true}}},
        {"overflowing later", {{kName, 0, "twelve", false}, {"", INT64_MAX, " bytes", true}}},
        {"another blob halfway",
         {{kName, 0, "twelve", false}, {"uploads/u/blobs/" + DigestOf("x").ToString(), 6, " bytes", true}}},
        {"another uuid halfway",
         {{kName, 0, "twelve", false}, {"uploads/v/blobs/" + kDigest.ToString(), 6, " bytes", true}}},
        {"another instance halfway", {{kName, 0, "twelve", false}, {"main/" + kName, 6, " bytes", true}}},
        {"nonsense halfway", {{kName, 0, "twelve", false}, {"nonsense", 6, " bytes", true}}},
    }));

std::vector<Misuse> BadZstd() {
  const std::string frame = CompressZstd(kBlob);
  return {
      {"plain", {{kZstd, 0, kBlob, true}}},
      {"of other bytes", {{kZstd, 0, CompressZstd("TWELVE BYTES"), true}}},
      {"of fewer bytes", {{kZstd, 0, CompressZstd("twelve"), true}}},
      {"of more bytes", {{kZstd, 0, CompressZstd(kBlob + "!"), true}}},
      {"a bomb", {{kZstd, 0, CompressZstd(std::string(100 << 20, 'x')), true}}},
      {"cut off", {{kZstd, 0, frame.substr(0, frame.size() - 1), true}}},
      {"cut off in the second message", {{kZstd, 0, frame.substr(0, 5), false}, {"", 5, frame.substr(5, 3), true}}},
      {"junk behind", {{kZstd, 0, frame + "junk", true}}},
      {"nothing", {{kZstd, 0, "", true}}},
      {"far more than it can take", {{kZstd, 0, std::string(1 << 20, 'x'), false}, {"", 1 << 20, "x", false}}},
      {"compressed under an identity name", {{kName, 0, frame, true}}},
  };
}

INSTANTIATE_TEST_SUITE_P(Zstd, Misuses, testing::ValuesIn(BadZstd()));

class MisuseTest : public Misuses {};

TEST_F(MisuseTest, FinishingTwiceIsNoSecondUpload) {
  EXPECT_THAT(Write({{kName, 0, kBlob, true}, {"", 12, "", true}}), HasCode(StatusCode::OK));
  EXPECT_THAT(Write({{kName, 0, kBlob, true}}), HasCode(StatusCode::OK)) << "the uuid is used again";
}

TEST_F(MisuseTest, AWrongOffsetDoesNotCostWhatIsHere) {
  EXPECT_THAT(Write({{kName, 0, "twelve", false}}), HasCode(StatusCode::OK));
  EXPECT_THAT(Write({{kName, 7, "bytes", true}}), HasCode(StatusCode::ABORTED, "6 bytes of this upload are here"));
  EXPECT_THAT(Write({{kName, 6, " bytes", true}}), HasCode(StatusCode::OK));
  EXPECT_TRUE(Has(kDigest));
}

TEST_F(MisuseTest, OneUploadDoesNotGoOnUnderAnotherName) {
  EXPECT_THAT(Write({{kName, 0, "twelve", false}}), HasCode(StatusCode::OK));
  EXPECT_THAT(Write({{"pr/1/" + kName, 6, " bytes", true}}), HasCode(StatusCode::ABORTED));
  EXPECT_FALSE(Has(kDigest));
}

}  // namespace
}  // namespace smelt
