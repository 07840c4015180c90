#include "src/services/observed_call.h"

#include <utility>

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "grpcpp/server_context.h"

namespace smelt {
namespace {

constexpr char kMetadataHeader[] = "build.bazel.remote.execution.v2.requestmetadata-bin";
constexpr std::size_t kNameMax = 200;

// Not within a character of UTF-8.
std::string Shortened(std::string name) {
  if (name.size() <= kNameMax) return name;
  std::size_t end = kNameMax;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
  name.resize(end);
  return name;
}

void ReadMetadata(const grpc::ServerContextBase& context, FinishedCall& call) {
  const auto header = context.client_metadata().find(kMetadataHeader);
  build::bazel::remote::execution::v2::RequestMetadata metadata;
  if (header == context.client_metadata().end() ||
      !metadata.ParseFromArray(header->second.data(), static_cast<int>(header->second.size()))) {
    return;
  }
  const auto& tool = metadata.tool_details();
  const bool both = !tool.tool_name().empty() && !tool.tool_version().empty();
  call.tool = Shortened(tool.tool_name() + (both ? " " : "") + tool.tool_version());
  call.target = Shortened(metadata.target_id());
}

}  // namespace

ObservedCall::ObservedCall(CallObserver* observer, std::string_view method)
    : observer_(observer), method_(method), began_(std::chrono::steady_clock::now()) {
  if (observer_ != nullptr) observer_->Started();
}

void ObservedCall::End(const grpc::ServerContextBase& context, absl::StatusCode code) const {
  if (observer_ == nullptr) return;
  FinishedCall call;
  call.method = method_;
  call.code = absl::StatusCodeToString(code);
  call.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  DescribeCaller(context, call);
  observer_->Finished(call);
}

void DescribeCaller(const grpc::ServerContextBase& context, FinishedCall& call) {
  call.peer = MachineOf(context.peer());
  ReadMetadata(context, call);
}

std::string MachineOf(std::string_view peer) {
  const std::size_t scheme = peer.find(':');
  if (peer.starts_with("unix")) return "unix";
  if (!peer.starts_with("ipv") || scheme == peer.npos) return std::string(peer);
  std::string machine(peer.substr(scheme + 1, peer.rfind(':') - scheme - 1));
  for (const auto& [escaped, plain] : {std::pair{"%5B", "["}, std::pair{"%5D", "]"}}) {
    if (const std::size_t at = machine.find(escaped); at != machine.npos) machine.replace(at, 3, plain);
  }
  return machine;
}

}  // namespace smelt
