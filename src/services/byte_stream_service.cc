#include "src/services/byte_stream_service.h"

#include "google/bytestream/bytestream.grpc.pb.h"
#include "src/base/status_macros.h"
#include "src/reapi/resource_name.h"
#include "src/services/byte_stream_read.h"
#include "src/services/byte_stream_write.h"
#include "src/services/caller.h"
#include "src/services/grpc_status.h"
#include "src/services/messages/raw_call.h"

namespace smelt {
namespace {

namespace bs = google::bytestream;

// All take and give raw bytes: Read's responses are made without copying the blob, and requests are parsed by us.
using Base = bs::ByteStream::WithRawCallbackMethod_Read<bs::ByteStream::WithRawCallbackMethod_Write<
    bs::ByteStream::WithRawCallbackMethod_QueryWriteStatus<bs::ByteStream::Service>>>;

// The store first: a stream that was cancelled may leave its part behind after the upload was made anew.
absl::Status QueryStatus(const ServiceParts& parts, const reapi::ResourceName& name, const std::string& key,
                         bs::QueryWriteStatusResponse& response) {
  ASSIGN_OR_RETURN(const std::vector<Digest> missing, parts.blobs.FindMissing({&name.digest, 1}));
  response.set_complete(missing.empty());
  const bool identity = name.compressor == reapi::ResourceName::Compressor::kIdentity;
  response.set_committed_size(!missing.empty() ? parts.partials.SizeOf(key) : identity ? name.digest.size : -1);
  return absl::OkStatus();
}

class ByteStreamService : public Base {
 public:
  explicit ByteStreamService(const ServiceParts& parts) : parts_(parts) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Read(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request) override {
    return StartRead(parts_, *context, *request);
  }

  grpc::ServerReadReactor<grpc::ByteBuffer>* Write(grpc::CallbackServerContext* context,
                                                   grpc::ByteBuffer* response) override {
    return StartWrite(parts_, *context, *response);
  }

  grpc::ServerUnaryReactor* QueryWriteStatus(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override {
    const RawCall call(*context, *request, *response);
    const absl::Status status = Query(*context, *request, call);
    if (!status.ok()) call.Finish(status);
    return call.reactor();
  }

 private:
  // Has the call answered, unless it is an error.
  absl::Status Query(const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes, const RawCall& call) {
    bs::QueryWriteStatusRequest request;
    RETURN_IF_ERROR(ParseMessage(bytes, request));
    ASSIGN_OR_RETURN(const reapi::ResourceName name, reapi::ParseWriteName(request.resource_name()));
    RETURN_IF_ERROR(MayCall(parts_.authorizer, context, name.instance, Permission::kWriteBlobs));
    const bool submitted = parts_.reads.Submit([this, call, name, key = request.resource_name()] {
      bs::QueryWriteStatusResponse response;
      const absl::Status status = QueryStatus(parts_, name, key, response);
      call.Finish(status, response);
    });
    return submitted ? absl::OkStatus() : TooBusy();
  }

  const ServiceParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewByteStreamService(const ServiceParts& parts) {
  return std::make_unique<ByteStreamService>(parts);
}

}  // namespace smelt
