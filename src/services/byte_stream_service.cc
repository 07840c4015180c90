#include "src/services/byte_stream_service.h"

#include "google/bytestream/bytestream.grpc.pb.h"
#include "src/base/status_macros.h"
#include "src/reapi/resource_name.h"
#include "src/services/byte_stream_read.h"
#include "src/services/byte_stream_write.h"
#include "src/services/caller.h"
#include "src/services/grpc_status.h"

namespace smelt {
namespace {

namespace bs = google::bytestream;

// Read takes and gives raw bytes: its responses are made without copying the blob.
using Base = bs::ByteStream::WithRawCallbackMethod_Read<bs::ByteStream::WithCallbackMethod_Write<
    bs::ByteStream::WithCallbackMethod_QueryWriteStatus<bs::ByteStream::Service>>>;

absl::Status QueryStatus(const ServiceParts& parts, const reapi::ResourceName& name, const std::string& key,
                         bs::QueryWriteStatusResponse& response) {
  if (const std::int64_t size = parts.partials.SizeOf(key); size > 0) {
    response.set_committed_size(size);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<Digest> missing, parts.blobs.FindMissing({&name.digest, 1}));
  response.set_complete(missing.empty());
  if (missing.empty()) {
    const bool identity = name.compressor == reapi::ResourceName::Compressor::kIdentity;
    response.set_committed_size(identity ? name.digest.size : -1);
  }
  return absl::OkStatus();
}

class ByteStreamService : public Base {
 public:
  explicit ByteStreamService(const ServiceParts& parts) : parts_(parts) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Read(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request) override {
    return StartRead(parts_, *context, *request);
  }

  grpc::ServerReadReactor<bs::WriteRequest>* Write(grpc::CallbackServerContext* context,
                                                   bs::WriteResponse* response) override {
    return StartWrite(parts_, *context, *response);
  }

  grpc::ServerUnaryReactor* QueryWriteStatus(grpc::CallbackServerContext* context,
                                             const bs::QueryWriteStatusRequest* request,
                                             bs::QueryWriteStatusResponse* response) override {
    auto* reactor = context->DefaultReactor();
    const auto name = reapi::ParseWriteName(request->resource_name());
    absl::Status status = name.status();
    if (status.ok()) status = MayCall(parts_.authorizer, *context, name->instance, Permission::kWriteBlobs);
    const bool submitted = status.ok() && parts_.reads.Submit([this, reactor, name = *name, request, response] {
      reactor->Finish(ToGrpc(QueryStatus(parts_, name, request->resource_name(), *response)));
    });
    if (!submitted) reactor->Finish(ToGrpc(status.ok() ? TooBusy() : status));
    return reactor;
  }

 private:
  const ServiceParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewByteStreamService(const ServiceParts& parts) {
  return std::make_unique<ByteStreamService>(parts);
}

}  // namespace smelt
