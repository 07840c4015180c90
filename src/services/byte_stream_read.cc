#include "src/services/byte_stream_read.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "google/bytestream/bytestream.pb.h"
#include "grpcpp/grpcpp.h"
#include "src/base/status_macros.h"
#include "src/reapi/resource_name.h"
#include "src/services/byte_stream/read_range.h"
#include "src/services/byte_stream/read_source.h"
#include "src/services/caller.h"
#include "src/services/grpc_status.h"
#include "src/services/messages/raw_call.h"

namespace smelt {
namespace {

using google::bytestream::ReadRequest;

// Larger blobs a store holds in files, of which a read has one message in memory.
constexpr std::int64_t kInMemoryBytesMax = 1 << 20;

// Little of the memory is held while it is at most this part.
constexpr std::int64_t kLittleHeldPart = 64;

class ReadReactor : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  ReadReactor(const ServiceParts& parts, grpc::CallbackServerContext& context)
      : parts_(parts), stream_(parts.watch, context) {}

  void Start(grpc::CallbackServerContext& context, const grpc::ByteBuffer& request) {
    const absl::Status status = Prepare(context, request);
    if (!status.ok() || range_.begin == range_.end) return Finish(ToGrpc(status));
    stream_.Busy();
    const std::int64_t held = std::min(range_.digest.size, kInMemoryBytesMax);
    parts_.budget.Acquire(context.peer(), held, [this](BytesBudget::Hold hold) {
      hold_ = std::move(hold);
      MayOpenInPlace() ? Open() : Run([this] { Open(); });
    });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the client has gone"));
    stream_.Busy();
    if (source_->NeedsThread()) return parts_.reads.Continue([this] { SendNext(); });
    SendNext();
  }

  void OnDone() override { delete this; }

 private:
  absl::Status Prepare(grpc::CallbackServerContext& context, const grpc::ByteBuffer& request) {
    ReadRequest parsed;
    RETURN_IF_ERROR(ParseMessage(request, parsed));
    ASSIGN_OR_RETURN(const reapi::ResourceName name, reapi::ParseReadName(parsed.resource_name()));
    RETURN_IF_ERROR(MayCall(parts_.authorizer, context, name.instance, Permission::kReadBlobs));
    ASSIGN_OR_RETURN(range_, ReadRangeOf(parsed, name));
    if (range_.zstd) range_.wishes = WishesOf(context);
    return absl::OkStatus();
  }

  bool MayOpenInPlace() const {
    return parts_.reads_in_place && range_.digest.size <= kBytesInPlaceMax && !range_.zstd;
  }

  void Run(WorkerPool::Task task) {
    if (!parts_.reads.Submit(std::move(task))) Finish(ToGrpc(TooBusy()));
  }

  static reapi::ZstdWishes WishesOf(const grpc::CallbackServerContext& context) {
    const auto header = context.client_metadata().find(reapi::ZstdWishes::kHeader);
    if (header == context.client_metadata().end()) return {};
    return reapi::ZstdWishesFrom({header->second.data(), header->second.size()});
  }

  void Open() {
    if (parts_.packed != nullptr && range_.wishes.unverified && range_.IsWhole()) {
      if (auto frames = parts_.packed->Find(range_.digest)) return SendFrames(*std::move(frames));
    }
    absl::StatusOr<Bytes> blob = parts_.blobs.Get(range_.digest);
    if (!blob.ok()) return Finish(ToGrpc(LostIsAbsent(blob.status())));
    const std::int64_t message_bytes = MessageBytes();
    if (blob->contents() == nullptr) hold_.ShrinkTo(message_bytes);
    source_ = NewReadSource(range_, *std::move(blob), message_bytes, parts_.zstd_forms, parts_.staging.directory());
    SendNext();
  }

  void SendFrames(ZstdForms::Reader frames) {
    const std::int64_t message_bytes = MessageBytes();
    hold_.ShrinkTo(message_bytes);
    source_ = NewReadSource(std::move(frames), message_bytes);
    SendNext();
  }

  std::int64_t MessageBytes() const {
    const Limits& limits = parts_.limits;
    if (range_.digest.size <= limits.read_message_bytes) return limits.read_message_bytes;
    const bool little = parts_.budget.held_bytes() <= parts_.budget.limit_bytes() / kLittleHeldPart;
    return little ? limits.read_message_bytes_max : limits.read_message_bytes;
  }

  void SendNext() {
    absl::StatusOr<grpc::ByteBuffer> message = source_->Next();
    if (!message.ok()) return Finish(ToGrpc(message.status()));
    message_ = *std::move(message);
    stream_.Moved();
    if (!source_->AtEnd()) return StartWrite(&message_);
    StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc::Status::OK);
  }

  const ServiceParts& parts_;
  StreamWatch::Stream stream_;
  BytesBudget::Hold hold_;
  ReadRange range_;
  std::unique_ptr<ReadSource> source_;
  grpc::ByteBuffer message_;
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* StartRead(const ServiceParts& parts, grpc::CallbackServerContext& context,
                                                      const grpc::ByteBuffer& request) {
  auto* reactor = new ReadReactor(parts, context);
  reactor->Start(context, request);
  return reactor;
}

}  // namespace smelt
