#include "src/services/grpc_status.h"

#include <algorithm>
#include <string>

#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace smelt {
namespace {

constexpr std::size_t kMessageBytesMax = 4 << 10;

std::string Message(const absl::Status& status) {
  return std::string(status.message().data(), std::min(status.message().size(), kMessageBytesMax));
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), Message(status));
}

absl::Status LostIsAbsent(const absl::Status& status) {
  return absl::IsDataLoss(status) ? absl::NotFoundError(Message(status)) : status;
}

void ToProto(const absl::Status& status, google::rpc::Status& proto) {
  proto.set_code(static_cast<int>(status.code()));
  if (!status.ok()) proto.set_message(Message(status));
}

}  // namespace smelt
