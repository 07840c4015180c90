#include "src/services/byte_stream_write.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "google/bytestream/bytestream.pb.h"
#include "grpcpp/grpcpp.h"
#include "src/base/status_macros.h"
#include "src/reapi/resource_name.h"
#include "src/services/caller.h"
#include "src/services/grpc_status.h"
#include "src/services/publish.h"
#include "src/services/staged_upload.h"

namespace smelt {
namespace {

using google::bytestream::WriteRequest;
using google::bytestream::WriteResponse;
using reapi::ResourceName;

// The most that may come over the wire for this blob.
std::int64_t WireBytesMax(const ResourceName& name) {
  return name.compressor == ResourceName::Compressor::kZstd ? ZstdBytesMax(name.digest.size) : name.digest.size;
}

class WriteReactor : public grpc::ServerReadReactor<WriteRequest> {
 public:
  WriteReactor(const ServiceParts& parts, grpc::CallbackServerContext& context, WriteResponse& response)
      : parts_(parts), context_(context), response_(response), stream_(parts.watch, context) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    stream_.Busy();
    if (!ok) return End();
    if (key_.empty()) return Begin();
    const absl::Status status = CheckNext();
    if (!status.ok()) return Finish(ToGrpc(status));
    Take();
  }

  void OnDone() override { delete this; }

 private:
  // The first message.
  void Begin() {
    const absl::Status status = Prepare();
    if (!status.ok()) return Finish(ToGrpc(status));
    if (name_.digest.size == 0) return Committed(true);
    if (request_.write_offset() == 0 && request_.finish_write()) {
      return PublishAll([this] { return Bytes(std::move(*request_.mutable_data())); });
    }
    Run(parts_.reads, [this] { LookAndTake(); });
  }

  absl::Status Prepare() {
    ASSIGN_OR_RETURN(name_, reapi::ParseWriteName(request_.resource_name()));
    RETURN_IF_ERROR(MayCall(parts_.authorizer, context_, name_.instance, Permission::kWriteBlobs));
    if (name_.digest.size > parts_.limits.blob_bytes_max) {
      return absl::InvalidArgumentError(fmt::format("resource_name: a blob of {} bytes; {} are allowed",
                                                    name_.digest.size, parts_.limits.blob_bytes_max));
    }
    if (request_.write_offset() < 0) return absl::InvalidArgumentError("write_offset: negative");
    key_ = request_.resource_name();
    return absl::OkStatus();
  }

  absl::Status CheckNext() const {
    if (!request_.resource_name().empty() && request_.resource_name() != key_) {
      return absl::InvalidArgumentError("resource_name: another one than in the first message");
    }
    if (request_.write_offset() != upload_->size()) {
      return absl::InvalidArgumentError(
          fmt::format("write_offset: {}, and {} bytes are here", request_.write_offset(), upload_->size()));
    }
    return absl::OkStatus();
  }

  // Nothing needs to be uploaded twice.
  void LookAndTake() {
    const absl::StatusOr<std::vector<Digest>> missing = parts_.blobs.FindMissing({&name_.digest, 1});
    if (!missing.ok()) return Finish(ToGrpc(missing.status()));
    if (missing->empty()) return Committed(true);
    const absl::Status status = OpenStage();
    if (!status.ok()) return Finish(ToGrpc(status));
    Take();
  }

  absl::Status OpenStage() {
    const std::int64_t offset = request_.write_offset();
    upload_ = parts_.partials.Take(key_);
    if (upload_ != nullptr && offset == upload_->size()) return absl::OkStatus();
    const std::int64_t here = upload_ == nullptr ? 0 : upload_->size();
    if (offset != 0) {
      if (upload_ != nullptr) parts_.partials.Park(key_, std::move(upload_));
      return absl::AbortedError(fmt::format(
          "write_offset: {}, and {} bytes of this upload are here: ask QueryWriteStatus, or begin at 0", offset, here));
    }
    const std::int64_t bytes_max = WireBytesMax(name_);
    const bool small = bytes_max <= parts_.limits.staged_in_memory_bytes;
    upload_ = Stage(small ? parts_.budget.TryAcquire(bytes_max) : BytesBudget::Hold());
    return absl::OkStatus();
  }

  std::unique_ptr<StagedUpload> Stage(BytesBudget::Hold hold) const {
    return std::make_unique<StagedUpload>(WireBytesMax(name_), std::move(hold), parts_.staging_directory);
  }

  // One message's data.
  void Take() {
    if (upload_->in_memory()) return Append();
    parts_.writes.Continue([this] { Append(); });
  }

  void Append() {
    const absl::Status status = upload_->Append(std::move(*request_.mutable_data()));
    if (!status.ok()) return Finish(ToGrpc(status));
    if (request_.finish_write()) {
      return PublishAll([this] { return std::move(*upload_).Finish(); });
    }
    stream_.Moved();
    StartRead(&request_);
  }

  // All of it is here.
  void PublishAll(std::function<Bytes()> wire) {
    if (MayPutInPlace(parts_, name_.digest.size)) return Publish(wire());
    Run(parts_.writes, [this, wire = std::move(wire)] { Publish(wire()); });
  }

  void Publish(Bytes wire) {
    wire_size_ = wire.size();
    PublishUpload(parts_, name_, std::move(wire), [this](absl::Status status) {
      if (!status.ok()) return Finish(ToGrpc(status));
      Committed(false);
    });
  }

  // The blob is in the store.
  void Committed(bool early) {
    const bool zstd = name_.compressor == ResourceName::Compressor::kZstd;
    response_.set_committed_size(!zstd ? name_.digest.size : early ? -1 : wire_size_);
    Finish(grpc::Status::OK);
  }

  // The client has no more to say, or is gone, before it said finish_write.
  void End() {
    if (key_.empty()) {
      return Finish(ToGrpc(absl::InvalidArgumentError("a Write needs a message with resource_name")));
    }
    response_.set_committed_size(upload_->size());
    parts_.partials.Park(key_, std::move(upload_));
    Finish(context_.IsCancelled() ? grpc::Status(grpc::StatusCode::CANCELLED, "the client has gone")
                                  : grpc::Status::OK);
  }

  void Run(WorkerPool& pool, WorkerPool::Task task) {
    if (!pool.Submit(std::move(task))) Finish(ToGrpc(TooBusy()));
  }

  const ServiceParts& parts_;
  grpc::CallbackServerContext& context_;
  WriteResponse& response_;
  StreamWatch::Stream stream_;
  WriteRequest request_;
  ResourceName name_;
  std::string key_;  // the name as the client wrote it; empty before the first message
  std::unique_ptr<StagedUpload> upload_;
  std::int64_t wire_size_ = 0;
};

}  // namespace

grpc::ServerReadReactor<WriteRequest>* StartWrite(const ServiceParts& parts, grpc::CallbackServerContext& context,
                                                  WriteResponse& response) {
  return new WriteReactor(parts, context, response);
}

}  // namespace smelt
