#include "src/services/messages/batch_read_answer.h"

#include <gtest/gtest.h>

#include <string>

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "grpcpp/support/byte_buffer.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"

namespace smelt {
namespace {

using build::bazel::remote::execution::v2::BatchReadBlobsResponse;

// Lengths around those where a varint takes a byte more.
TEST(BatchReadAnswer, IsWhatTheMessageWouldBe) {
  BatchReadAnswer answer;
  BatchReadBlobsResponse expected;
  for (const std::size_t size : {0, 1, 40, 50, 54, 127, 128, 200, 16'300, 16'383, 16'384, 65'536}) {
    const std::string contents(size, 'x');
    answer.Add(DigestOf(contents), Bytes(contents));
    auto& response = *expected.add_responses();
    *response.mutable_digest() = reapi::ToProto(DigestOf(contents));
    response.set_data(contents);
    response.mutable_status();
    const grpc::ByteBuffer serialized = answer.Serialized();
    grpc::Slice slice;
    ASSERT_TRUE(serialized.TrySingleSlice(&slice).ok());
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(slice.begin()), slice.size()), expected.SerializeAsString())
        << "with " << size << " bytes at its end";
  }
}

}  // namespace
}  // namespace smelt
