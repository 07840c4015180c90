#include "tools/bench/server/phases.h"

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "fmt/format.h"
#include "src/reapi/digests.h"
#include "tools/bench/server/blobs.h"
#include "tools/bench/server/streams.h"

namespace smelt::bench {
namespace {

namespace v2 = build::bazel::remote::execution::v2;
using v2::ActionCache;
using v2::ContentAddressableStorage;

constexpr std::int64_t kSmallBytesMax = 10'000;
constexpr std::int64_t kAnyBatchBytesMax = 1'000'000;

// What the phases have in common.
struct Load {
  explicit Load(const LoadOptions& given) : options(given), channel(NewChannel(given.target)) {
    small = ProductionMix(options.blobs, kSmallBytesMax, 1);
    streamed = ProductionMix(options.blobs / 4, kSmallBytesMax, 3);
  }

  // Made when they are asked for: they are most of the bytes.
  const std::vector<Blob>& mixed() {
    if (mixed_.empty()) mixed_ = ProductionMix(options.blobs / 4, kAnyBatchBytesMax, 2);
    return mixed_;
  }

  const LoadOptions options;
  const std::shared_ptr<grpc::Channel> channel;
  const std::unique_ptr<ContentAddressableStorage::Stub> cas = ContentAddressableStorage::NewStub(channel);
  const std::unique_ptr<ActionCache::Stub> actions = ActionCache::NewStub(channel);
  std::vector<Blob> small, streamed;

 private:
  std::vector<Blob> mixed_;
};

Sample WriteOneByOne(Load& load, const std::vector<Blob>& blobs) {
  UnaryLoad<v2::BatchUpdateBlobsRequest, v2::BatchUpdateBlobsResponse> calls(
      [&](auto* context, const auto& request, auto* queue) {
        return load.cas->PrepareAsyncBatchUpdateBlobs(context, request, queue);
      },
      [&](int i, auto& request) {
        const Blob& blob = blobs[static_cast<std::size_t>(i)];
        auto* part = request.add_requests();
        *part->mutable_digest() = reapi::ToProto(blob.digest);
        part->set_data(blob.bytes);
      },
      [&](int i, const auto&, const auto& response, Sample& sample) -> std::string {
        if (response.responses_size() != 1 || response.responses(0).status().code() != 0) return "a blob was refused";
        ++sample.items;
        sample.bytes += blobs[static_cast<std::size_t>(i)].digest.size;
        return "";
      });
  return calls.Run(static_cast<int>(blobs.size()), load.options.concurrency);
}

Sample ReadOneByOne(Load& load, const std::vector<Blob>& blobs) {
  UnaryLoad<v2::BatchReadBlobsRequest, v2::BatchReadBlobsResponse> calls(
      [&](auto* context, const auto& request, auto* queue) {
        return load.cas->PrepareAsyncBatchReadBlobs(context, request, queue);
      },
      [&](int i, auto& request) {
        *request.add_digests() = reapi::ToProto(blobs[static_cast<std::size_t>(i) * 7919 % blobs.size()].digest);
      },
      [&](int i, const auto&, const auto& response, Sample& sample) -> std::string {
        const Blob& blob = blobs[static_cast<std::size_t>(i) * 7919 % blobs.size()];
        if (response.responses_size() != 1 || response.responses(0).data() != blob.bytes) return "another blob came";
        ++sample.items;
        sample.bytes += blob.digest.size;
        return "";
      });
  return calls.Run(load.options.lookups, load.options.concurrency);
}

// Half of the digests are of blobs that are there.
Sample FindMissing(Load& load) {
  const int half = load.options.find_digests / 2;
  UnaryLoad<v2::FindMissingBlobsRequest, v2::FindMissingBlobsResponse> calls(
      [&](auto* context, const auto& request, auto* queue) {
        return load.cas->PrepareAsyncFindMissingBlobs(context, request, queue);
      },
      [&](int i, auto& request) {
        for (int k = 0; k < half; ++k) {
          const Blob& blob = load.small[static_cast<std::size_t>(i * half + k) % load.small.size()];
          *request.add_blob_digests() = reapi::ToProto(blob.digest);
          Digest absent = blob.digest;
          absent.hash[0] ^= 0xff;
          *request.add_blob_digests() = reapi::ToProto(absent);
        }
      },
      [&](int, const auto& request, const auto& response, Sample& sample) -> std::string {
        sample.items += request.blob_digests_size();
        return response.missing_blob_digests_size() == half ? "" : "not half of them are missing";
      });
  return calls.Run(std::max(1, load.options.lookups / 20), std::min(8, load.options.concurrency));
}

// Each result names three blobs that are there.
v2::ActionResult ResultOf(const Load& load, int i) {
  v2::ActionResult result;
  for (int k = 0; k < 3; ++k) {
    const Blob& blob = load.small[static_cast<std::size_t>(i * 3 + k) % load.small.size()];
    auto* file = result.add_output_files();
    file->set_path(fmt::format("bazel-out/k8-fastbuild/bin/package/output-{}.o", k));
    *file->mutable_digest() = reapi::ToProto(blob.digest);
  }
  return result;
}

Sample PutActions(Load& load) {
  UnaryLoad<v2::UpdateActionResultRequest, v2::ActionResult> calls(
      [&](auto* context, const auto& request, auto* queue) {
        return load.actions->PrepareAsyncUpdateActionResult(context, request, queue);
      },
      [&](int i, auto& request) {
        *request.mutable_action_digest() = reapi::ToProto(load.small[static_cast<std::size_t>(i)].digest);
        *request.mutable_action_result() = ResultOf(load, i);
      },
      [&](int, const auto&, const auto&, Sample& sample) -> std::string {
        ++sample.items;
        return "";
      });
  return calls.Run(static_cast<int>(load.small.size()) / 2, load.options.concurrency);
}

Sample LookUpActions(Load& load) {
  const int present = static_cast<int>(load.small.size()) / 2;
  UnaryLoad<v2::GetActionResultRequest, v2::ActionResult> calls(
      [&](auto* context, const auto& request, auto* queue) {
        return load.actions->PrepareAsyncGetActionResult(context, request, queue);
      },
      [&](int i, auto& request) {
        const auto which = static_cast<std::size_t>(i) * 7919 % static_cast<std::size_t>(present);
        *request.mutable_action_digest() = reapi::ToProto(load.small[which].digest);
      },
      [&](int, const auto&, const auto& response, Sample& sample) -> std::string {
        ++sample.items;
        return response.output_files_size() == 3 ? "" : "another result came";
      });
  return calls.Run(load.options.lookups, load.options.concurrency);
}

}  // namespace

std::vector<Phase> Phases(const LoadOptions& options) {
  auto load = std::make_shared<Load>(options);
  return {
      {"small writes", [=] { return WriteOneByOne(*load, load->small); }},
      {"mixed writes", [=] { return WriteOneByOne(*load, load->mixed()); }},
      {"streamed small writes", [=] { return WriteStreams(load->options, load->streamed); }},
      {"small reads", [=] { return ReadOneByOne(*load, load->small); }},
      {"mixed reads", [=] { return ReadOneByOne(*load, load->mixed()); }},
      {"streamed small reads", [=] { return ReadStreams(load->options, load->streamed); }},
      {"find missing", [=] { return FindMissing(*load); }},
      {"action writes", [=] { return PutActions(*load); }},
      {"action lookups", [=] { return LookUpActions(*load); }},
      {"large writes", [=] { return WriteLarge(load->options); }},
      {"large reads", [=] { return ReadLarge(load->options); }},
      {"slow streams", [=] { return ReadSlowly(load->options); }},
  };
}

}  // namespace smelt::bench
