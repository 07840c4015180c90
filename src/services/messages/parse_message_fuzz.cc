#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "grpcpp/support/byte_buffer.h"
#include "src/services/messages/raw_call.h"

namespace {

namespace v2 = build::bazel::remote::execution::v2;

template <typename Message>
void Check(const grpc::ByteBuffer& whole, const grpc::ByteBuffer& pieces) {
  Message one, other;
  const absl::Status status = smelt::ParseMessage(whole, one);
  if (status.ok() != smelt::ParseMessage(pieces, other).ok()) std::abort();
  if (!status.ok() && !absl::IsInvalidArgument(status)) std::abort();
  if (status.ok() && one.SerializeAsString() != other.SerializeAsString()) std::abort();
}

}  // namespace

// A request is the same in however many pieces it comes. The first byte says how long they are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = data[0] + std::size_t{1};
  std::vector<grpc::Slice> slices;
  for (std::size_t at = 1; at < size; at += piece) slices.emplace_back(data + at, std::min(piece, size - at));
  const grpc::Slice slice(data + 1, size - 1);
  const grpc::ByteBuffer whole(&slice, 1), pieces(slices.data(), slices.size());
  Check<v2::BatchUpdateBlobsRequest>(whole, pieces);
  Check<v2::BatchReadBlobsRequest>(whole, pieces);
  Check<v2::FindMissingBlobsRequest>(whole, pieces);
  Check<v2::UpdateActionResultRequest>(whole, pieces);
  Check<v2::GetActionResultRequest>(whole, pieces);
  return 0;
}
