#include "src/services/server.h"

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/generic/generic_stub.h"
#include "src/services/testing/server_fixture.h"

namespace smelt {
namespace {

using grpc::StatusCode;

// Lets nobody do anything but what is in `allowed`, and remembers what it was asked.
class Table : public Authorizer {
 public:
  absl::StatusOr<Principal> Authorize(const Credentials& credentials, std::optional<std::string_view> instance,
                                      Permission permission) override {
    const std::lock_guard lock(mu_);
    asked_.insert({permission, std::string(instance.value_or("any"))});
    last_ = credentials;
    if (credentials.authorization == "Bearer stale") return absl::UnauthenticatedError("the token is stale");
    if (allowed_.contains(permission)) return Principal{"somebody", "reader"};
    return absl::PermissionDeniedError("not for this role");
  }

  std::mutex mu_;
  std::set<Permission> allowed_;
  std::set<std::pair<Permission, std::string>> asked_;
  Credentials last_;
};

class ServerAuthorizationTest : public ServerTest {
 public:
  ServerAuthorizationTest() {
    authorizer_ = &table_;
    Start();
  }

  grpc::Status Call(int rpc, grpc::ClientContext& context) {
    const std::string digest = DigestOf("x").ToString();
    switch (rpc) {
      case 0: {
        v2::FindMissingBlobsRequest request;
        request.set_instance_name("main");
        v2::FindMissingBlobsResponse response;
        return cas_->FindMissingBlobs(&context, request, &response);
      }
      case 1: {
        v2::BatchUpdateBlobsRequest request;
        request.set_instance_name("main");
        v2::BatchUpdateBlobsResponse response;
        return cas_->BatchUpdateBlobs(&context, request, &response);
      }
      case 2: {
        v2::BatchReadBlobsRequest request;
        request.set_instance_name("main");
        v2::BatchReadBlobsResponse response;
        return cas_->BatchReadBlobs(&context, request, &response);
      }
      case 3: {
        v2::GetTreeRequest request;
        request.set_instance_name("main");
        *request.mutable_root_digest() = reapi::ToProto(DigestOf(""));
        auto reader = cas_->GetTree(&context, request);
        for (v2::GetTreeResponse page; reader->Read(&page);) continue;
        return reader->Finish();
      }
      case 4: {
        bs::ReadRequest request;
        request.set_resource_name("main/blobs/" + DigestOf("").ToString());
        return bytes_->Read(&context, request)->Finish();
      }
      case 5: {
        bs::WriteResponse response;
        auto writer = bytes_->Write(&context, &response);
        bs::WriteRequest request;
        request.set_resource_name("main/uploads/u/blobs/" + digest);
        request.set_data("x");
        request.set_finish_write(true);
        writer->Write(request);
        writer->WritesDone();
        return writer->Finish();
      }
      case 6: {
        bs::QueryWriteStatusRequest request;
        request.set_resource_name("main/uploads/u/blobs/" + digest);
        bs::QueryWriteStatusResponse response;
        return bytes_->QueryWriteStatus(&context, request, &response);
      }
      case 7: {
        v2::GetActionResultRequest request;
        request.set_instance_name("main");
        *request.mutable_action_digest() = reapi::ToProto(DigestOf("action"));
        v2::ActionResult response;
        return cache_->GetActionResult(&context, request, &response);
      }
      default: {
        v2::UpdateActionResultRequest request;
        request.set_instance_name("main");
        *request.mutable_action_digest() = reapi::ToProto(DigestOf("action"));
        request.mutable_action_result();
        v2::ActionResult response;
        return cache_->UpdateActionResult(&context, request, &response);
      }
    }
  }

  static constexpr Permission kNeeded[] = {
      Permission::kReadBlobs,  Permission::kWriteBlobs,  Permission::kReadBlobs,
      Permission::kReadBlobs,  Permission::kReadBlobs,   Permission::kWriteBlobs,
      Permission::kWriteBlobs, Permission::kReadActions, Permission::kWriteActions};
  static constexpr int kRpcs = 9;

  Table table_;
};

TEST_F(ServerAuthorizationTest, EachCallNeedsItsPermissionInItsInstanceAndNoOther) {
  for (int rpc = kRpcs - 1; rpc >= 0; --rpc) {
    for (const Permission only :
         {Permission::kReadBlobs, Permission::kWriteBlobs, Permission::kReadActions, Permission::kWriteActions,
          Permission::kExecute, Permission::kLease, Permission::kAdminister}) {
      table_.allowed_ = {only};
      table_.asked_.clear();
      CallContext context;
      const grpc::Status status = Call(rpc, context);
      EXPECT_EQ(status.error_code() == StatusCode::PERMISSION_DENIED, only != kNeeded[rpc]) << rpc;
      const std::set<std::pair<Permission, std::string>> expected = {{kNeeded[rpc], "main"}};
      EXPECT_EQ(table_.asked_, expected) << rpc;
    }
  }
}

TEST_F(ServerAuthorizationTest, TheAuthorizersErrorReachesTheClientAndTheTokenTheAuthorizer) {
  table_.allowed_ = {Permission::kReadBlobs};
  for (int rpc = 0; rpc < kRpcs; ++rpc) {
    CallContext context;
    context.AddMetadata("authorization", "Bearer stale");
    EXPECT_THAT(Call(rpc, context), HasCode(StatusCode::UNAUTHENTICATED, "stale")) << rpc;
  }
  EXPECT_EQ(table_.last_.authorization, "Bearer stale");
  EXPECT_EQ(table_.last_.peer.substr(0, 15), "ipv4:127.0.0.1:");
  EXPECT_TRUE(table_.last_.certificate_names.empty());
}

TEST_F(ServerAuthorizationTest, CapabilitiesSayWhetherThisCallerMayUpdate) {
  const auto stub = v2::Capabilities::NewStub(channel_);
  for (const bool may : {false, true}) {
    table_.allowed_.clear();
    if (may) table_.allowed_ = {Permission::kWriteActions};
    CallContext context;
    v2::ServerCapabilities capabilities;
    ASSERT_THAT(stub->GetCapabilities(&context, {}, &capabilities), HasCode(StatusCode::OK));
    EXPECT_EQ(capabilities.cache_capabilities().action_cache_update_capabilities().update_enabled(), may);
  }
  CallContext context;
  context.AddMetadata("authorization", "Bearer stale");
  v2::ServerCapabilities capabilities;
  EXPECT_THAT(stub->GetCapabilities(&context, {}, &capabilities), HasCode(StatusCode::UNAUTHENTICATED));
}

// One unary call of any service with these bytes as its request.
grpc::Status CallRaw(grpc::ClientContext& context, grpc::Channel& channel, const std::string& method,
                     const std::string& bytes, std::string* answer = nullptr) {
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  auto call = grpc::GenericStub(std::shared_ptr<grpc::Channel>(&channel, [](grpc::Channel*) {
              })).PrepareUnaryCall(&context, method, grpc::ByteBuffer(&slice, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  std::vector<grpc::Slice> slices;
  if (answer != nullptr && response.Valid() && response.Dump(&slices).ok()) {
    for (const grpc::Slice& part : slices) answer->append(reinterpret_cast<const char*>(part.begin()), part.size());
  }
  return status;
}

grpc::Status CallRaw(grpc::Channel& channel, const std::string& method, const std::string& bytes,
                     std::string* answer = nullptr) {
  CallContext context;
  return CallRaw(context, channel, method, bytes, answer);
}

// The calls that it was told of.
class Calls : public CallObserver {
 public:
  void Started() override { ++started_; }
  void Finished(const FinishedCall& call) override {
    const std::lock_guard lock(mu_);
    EXPECT_EQ(call.peer, "127.0.0.1");
    EXPECT_GE(call.seconds, 0);
    finished_.push_back(fmt::format("{} {} {} {}", call.method, call.code, call.tool, call.target));
  }

  int started() const { return started_; }

  // gRPC tells of some a moment after their clients have seen the end.
  std::string AwaitNext() {
    for (;; std::this_thread::yield()) {
      const std::lock_guard lock(mu_);
      if (!finished_.empty()) return std::exchange(finished_, {}).front();
    }
  }

 private:
  std::atomic<int> started_ = 0;
  std::mutex mu_;
  std::vector<std::string> finished_;  // guarded by mu_
};

class ServerCallsTest : public ServerTest {
 protected:
  ServerCallsTest() {
    calls_ = &told_;
    Start();
  }
  ~ServerCallsTest() override { server_.reset(); }

  // Makes a call and says how the observer was told of it, which is once.
  std::string Told(const std::string& method, const google::protobuf::MessageLite& request) {
    v2::RequestMetadata metadata;
    metadata.mutable_tool_details()->set_tool_name("bazel");
    metadata.set_target_id("serde");
    CallContext context;
    context.AddMetadata("build.bazel.remote.execution.v2.requestmetadata-bin", metadata.SerializeAsString());
    const int before = told_.started();
    CallRaw(context, *channel_, method, request.SerializeAsString());
    const std::string told = told_.AwaitNext();
    EXPECT_EQ(told_.started(), before + 1) << method;
    return told;
  }

  Calls told_;
};

TEST_F(ServerCallsTest, EachCallIsToldOnceWithItsEndAndItsCaller) {
  const std::string cas = "/build.bazel.remote.execution.v2.ContentAddressableStorage/";
  const std::string actions = "/build.bazel.remote.execution.v2.ActionCache/";
  v2::GetActionResultRequest unknown;
  *unknown.mutable_action_digest() = reapi::ToProto(DigestOf("x"));
  v2::UpdateActionResultRequest known;
  *known.mutable_action_digest() = unknown.action_digest();
  known.mutable_action_result();
  EXPECT_EQ(Told(cas + "FindMissingBlobs", v2::FindMissingBlobsRequest()), "FindMissingBlobs OK bazel serde");
  EXPECT_EQ(Told(cas + "BatchUpdateBlobs", v2::BatchUpdateBlobsRequest()), "BatchUpdateBlobs OK bazel serde");
  EXPECT_EQ(Told(cas + "BatchReadBlobs", v2::BatchReadBlobsRequest()), "BatchReadBlobs OK bazel serde");
  EXPECT_EQ(Told(cas + "GetTree", v2::GetTreeRequest()), "GetTree INVALID_ARGUMENT bazel serde");
  EXPECT_EQ(Told(actions + "GetActionResult", unknown), "GetActionResult NOT_FOUND bazel serde");
  EXPECT_EQ(Told(actions + "UpdateActionResult", known), "UpdateActionResult OK bazel serde");
  EXPECT_EQ(Told(actions + "GetActionResult", unknown), "GetActionResult OK bazel serde");
  EXPECT_EQ(Told("/build.bazel.remote.execution.v2.Capabilities/GetCapabilities", v2::GetCapabilitiesRequest()),
            "GetCapabilities OK bazel serde");
  EXPECT_EQ(Told("/google.bytestream.ByteStream/Read", bs::ReadRequest()), "Read INVALID_ARGUMENT bazel serde");
}

TEST_F(ServerTest, CapabilitiesAreWhatClientsInsistOn) {
  CallContext context;
  v2::ServerCapabilities capabilities;
  ASSERT_THAT(v2::Capabilities::NewStub(channel_)->GetCapabilities(&context, {}, &capabilities),
              HasCode(StatusCode::OK));
  EXPECT_EQ(capabilities.low_api_version().major(), 2);
  EXPECT_EQ(capabilities.low_api_version().minor(), 0);
  EXPECT_EQ(capabilities.high_api_version().minor(), 3);
  const auto& cache = capabilities.cache_capabilities();
  ASSERT_EQ(cache.digest_functions_size(), 1);
  EXPECT_EQ(cache.digest_functions(0), v2::DigestFunction::SHA256);
  EXPECT_TRUE(cache.action_cache_update_capabilities().update_enabled());
  EXPECT_EQ(cache.max_batch_total_size_bytes(), 4'000'000);
  EXPECT_EQ(cache.max_cas_blob_size_bytes(), 64LL << 30);
  EXPECT_EQ(cache.symlink_absolute_path_strategy(), v2::SymlinkAbsolutePathStrategy::ALLOWED);
  ASSERT_EQ(cache.supported_compressors_size(), 1);
  EXPECT_EQ(cache.supported_compressors(0), v2::Compressor::ZSTD);
  ASSERT_EQ(cache.supported_batch_update_compressors_size(), 1);
  EXPECT_EQ(cache.supported_batch_update_compressors(0), v2::Compressor::ZSTD);
  const auto& execution = capabilities.execution_capabilities();
  EXPECT_EQ(execution.digest_function(), v2::DigestFunction::SHA256);
  ASSERT_EQ(execution.digest_functions_size(), 1);
  EXPECT_EQ(execution.digest_functions(0), v2::DigestFunction::SHA256);
  EXPECT_FALSE(execution.exec_enabled());
  for (const auto& ranges : {cache.cache_priority_capabilities(), execution.execution_priority_capabilities()}) {
    ASSERT_EQ(ranges.priorities_size(), 1);
    EXPECT_EQ(ranges.priorities(0).min_priority(), -1000);
    EXPECT_EQ(ranges.priorities(0).max_priority(), 1000);
  }
}

TEST_F(ServerTest, HealthFollowsServing) {
  const auto check = [&](const std::string& service) {
    std::string answer;
    const std::string request =
        service.empty() ? "" : "\x0a" + std::string(1, static_cast<char>(service.size())) + service;
    EXPECT_THAT(CallRaw(*channel_, "/grpc.health.v1.Health/Check", request, &answer), HasCode(StatusCode::OK));
    return answer;
  };
  for (const char* service : {"", "google.bytestream.ByteStream", "build.bazel.remote.execution.v2.ActionCache"}) {
    server_->SetServing(true);
    EXPECT_EQ(check(service), std::string("\x08\x01")) << service;
    server_->SetServing(false);
    EXPECT_EQ(check(service), std::string("\x08\x02")) << service;
  }
}

TEST_F(ServerTest, ReflectionIsThereWhenItIsConfiguredOnly) {
  const std::string method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  EXPECT_THAT(CallRaw(*channel_, method, ""), HasCode(StatusCode::UNIMPLEMENTED));
  reflection_ = true;
  Start();
  EXPECT_THAT(CallRaw(*channel_, method, ""), testing::Not(HasCode(StatusCode::UNIMPLEMENTED)));
  for (const std::string service : {"google.bytestream.ByteStream", "grpc.health.v1.Health"}) {
    std::string answer;
    const std::string file_containing_symbol = "\x22" + std::string(1, static_cast<char>(service.size())) + service;
    EXPECT_THAT(CallRaw(*channel_, method, file_containing_symbol, &answer), HasCode(StatusCode::OK));
    EXPECT_THAT(answer, testing::HasSubstr(".proto")) << service;
  }
}

TEST_F(ServerTest, AnAddressThatIsTakenIsNamed) {
  ServerOptions options;
  options.endpoints = {{address_, nullptr}};
  const auto second = Server::Start({blobs_, actions_, allow_all_, clock_, staging_.path(), zstd_forms_}, options);
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kUnavailable, testing::HasSubstr(address_)));
  EXPECT_THAT(Server::Start({blobs_, actions_, allow_all_, clock_, staging_.path(), zstd_forms_}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ServerTest, AUnixSocketServesToo) {
  ServerOptions options;
  const std::string address = "unix-abstract:smelt-server-test-" + std::to_string(::getpid());
  options.endpoints = {{address, nullptr}};
  ASSERT_OK_AND_ASSIGN(const auto server,
                       Server::Start({blobs_, actions_, allow_all_, clock_, staging_.path(), zstd_forms_}, options));
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  EXPECT_THAT(CallRaw(*channel, "/build.bazel.remote.execution.v2.Capabilities/GetCapabilities", ""),
              HasCode(StatusCode::OK));
}

std::string Varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(0x80 | (value & 0x7f));
  return bytes + static_cast<char>(value);
}

// A field of bytes.
std::string Field(int number, const std::string& bytes) {
  return Varint(static_cast<std::uint64_t>(number) << 3 | 2) + Varint(bytes.size()) + bytes;
}

std::string Repeated(const std::string& bytes, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += bytes;
  return all;
}

// Inputs that no client serialises. Each call answers, with an error of the client's or a success, and goes on serving.
TEST_F(ServerTest, OddProtobufIsAnsweredAndServingGoesOn) {
  std::string nested;
  for (int i = 0; i < 10'000; ++i) nested = Field(3, nested.substr(0, 100'000));
  const std::vector<std::string> corpus = {
      "",
      std::string(1, '\0'),
      "\x08",
      "\xff",
      std::string(11, '\xff'),
      std::string(1000, '\xff'),
      std::string("\x0a\xff\xff\xff\xff\x0f", 6),
      std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11),
      Field(2, ""),
      Field(2, "\x0a"),
      Field(2, Field(1, "x")),
      Field(1, "\xff\xfe"),
      Field(1, std::string(1 << 20, 'i')),
      Field(99, "unknown"),
      Field(536870911, "largest field"),
      std::string("\x07", 1),
      std::string("\x0b\x0c", 2),
      Repeated("\x0b", 1000),
      nested,
      Field(2, nested),
      Repeated(Field(2, ""), 1'000'000),
      Repeated(Field(99, ""), 1'000'000),
      Field(2, Field(1, std::string(64, 'a')) + "\x10" + Varint(UINT64_MAX)),
      Field(2, Field(1, std::string(64, 'a')) + "\x10" + Varint(1ull << 63)),
      "\x18" + Varint(UINT64_MAX),
      "\x20" + Varint(1ull << 40),
      Repeated("\x18\x01", 100'000),
      Field(3, Field(2, Field(1, "../x"))),
      std::string(4 << 20, '\0'),
      Field(2, std::string(4 << 20, '\x0a')),
  };
  const std::string v2_name = "/build.bazel.remote.execution.v2.";
  for (const std::string& method :
       {v2_name + "ContentAddressableStorage/FindMissingBlobs", v2_name + "ContentAddressableStorage/BatchUpdateBlobs",
        v2_name + "ContentAddressableStorage/BatchReadBlobs", v2_name + "ContentAddressableStorage/GetTree",
        v2_name + "ActionCache/GetActionResult", v2_name + "ActionCache/UpdateActionResult",
        v2_name + "Capabilities/GetCapabilities", std::string("/google.bytestream.ByteStream/Read"),
        std::string("/google.bytestream.ByteStream/Write"),
        std::string("/google.bytestream.ByteStream/QueryWriteStatus")}) {
    for (std::size_t i = 0; i < corpus.size(); ++i) {
      const StatusCode code = CallRaw(*channel_, method, corpus[i]).error_code();
      std::set<StatusCode> expected = {StatusCode::OK, StatusCode::INVALID_ARGUMENT, StatusCode::NOT_FOUND,
                                       StatusCode::RESOURCE_EXHAUSTED};
      const bool unary = !method.ends_with("GetTree") && !method.ends_with("Write") && !method.ends_with("WriteStatus");
      if (!unary) expected.insert(StatusCode::UNIMPLEMENTED);  // gRPC's own answer where it cannot parse
      EXPECT_TRUE(expected.contains(code)) << method << " with input " << i << ": " << code;
    }
  }
  CallContext context;
  v2::ServerCapabilities capabilities;
  EXPECT_THAT(v2::Capabilities::NewStub(channel_)->GetCapabilities(&context, {}, &capabilities),
              HasCode(StatusCode::OK));
}

}  // namespace
}  // namespace smelt
