#include "src/store/remote/remote_cache.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "src/auth/authorizer.h"
#include "src/digest/hasher.h"
#include "src/reapi/bounded_parse.h"
#include "src/reapi/digests.h"
#include "src/services/server.h"
#include "src/services/zstd/packed_reads.h"
#include "src/store/action_cache_contract_test.h"
#include "src/store/blob_store_contract_test.h"
#include "src/store/memory/memory_action_caches.h"
#include "src/store/memory/memory_blob_store.h"
#include "src/store/verifying_blob_store.h"
#include "src/store/zstd.h"
#include "src/testing/fake_clock.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

using Compression = RemoteOptions::Compression;

// Lets everybody read; writers show the token "writer".
class TokenAuthorizer : public Authorizer {
 public:
  absl::StatusOr<Principal> Authorize(const Credentials& credentials, std::optional<std::string_view>,
                                      Permission permission) override {
    const bool writes = permission == Permission::kWriteBlobs || permission == Permission::kWriteActions;
    if (credentials.authorization == "Bearer expired") return absl::UnauthenticatedError("the token has expired");
    if (writes && credentials.authorization != "Bearer writer") return absl::PermissionDeniedError("readers only read");
    return Principal{"somebody", "reader"};
  }
};

// A server in this process, and a client of it.
struct Remote {
  explicit Remote(Compression compression = Compression::kZstd, const std::string& token = "writer") {
    auto started = Server::Start({blobs, actions, authorizer, Clock::System(), directory.path(), zstd_forms},
                                 {.endpoints = {{"127.0.0.1:0", nullptr}}});
    EXPECT_OK(started);
    server = *std::move(started);
    options.endpoint = "grpc://127.0.0.1:" + std::to_string(server->ports()[0]);
    options.compression = compression;
    options.token = token;
    options.staging_directory = directory.path();
    options.timeout_seconds = 600;  // a busy machine may stop for longer than users wait
    Open();
  }

  void Open() {
    auto opened = OpenRemoteCache(options, clock);
    ASSERT_OK(opened);
    cache = *std::move(opened);
  }

  TempDir directory;
  ZstdForms zstd_forms{directory.path(), 1 << 30};
  MemoryBlobStore blobs;
  MemoryActionCaches actions;
  TokenAuthorizer authorizer;
  std::unique_ptr<Server> server;
  RemoteOptions options;
  FakeClock clock{1'000'000'000'000};
  std::unique_ptr<SharedCache> cache;
};

std::shared_ptr<BlobStore> MakeBlobs(Compression compression) {
  auto remote = std::make_shared<Remote>(compression);
  auto verifying = std::make_shared<VerifyingBlobStore>(remote->cache->blobs());
  struct Both {
    std::shared_ptr<Remote> remote;
    std::shared_ptr<VerifyingBlobStore> store;
  };
  auto both = std::make_shared<Both>(Both{remote, verifying});
  return {both, verifying.get()};
}

std::shared_ptr<ActionCache> MakeActions() {
  auto remote = std::make_shared<Remote>();
  return {remote, &remote->cache->actions()};
}

INSTANTIATE_TEST_SUITE_P(RemoteZstd, BlobStoreContractTest,
                         testing::Values([] { return MakeBlobs(Compression::kZstd); }));
INSTANTIATE_TEST_SUITE_P(RemotePlain, BlobStoreContractTest,
                         testing::Values([] { return MakeBlobs(Compression::kNone); }));
INSTANTIATE_TEST_SUITE_P(Remote, ActionCacheContractTest, testing::Values(MakeActions));

std::string Compressible(std::size_t size) {
  std::string text;
  while (text.size() < size) text += "fn main() { println!(\"" + std::to_string(text.size() % 977) + "\"); }\n";
  text.resize(size);
  return text;
}

class RemoteCacheTest : public testing::Test {
 protected:
  Remote remote_;
};

TEST_F(RemoteCacheTest, NothingIsAskedBeforeTheFirstCall) {
  EXPECT_EQ(remote_.cache->State().link, SharedCacheState::Link::kUntried);
  EXPECT_EQ(remote_.cache->State().requests, 0);
  EXPECT_OK(remote_.cache->Reach());
  EXPECT_EQ(remote_.cache->State().link, SharedCacheState::Link::kUp);
  EXPECT_TRUE(remote_.cache->State().writable);
}

// Says whatever it likes.
class StrangeActionCache : public v2::ActionCache::Service {
 public:
  StrangeActionCache(v2::ActionResult result, bool gzip) : result_(std::move(result)), gzip_(gzip) {}

  grpc::Status GetActionResult(grpc::ServerContext* context, const v2::GetActionResultRequest*,
                               v2::ActionResult* result) override {
    if (gzip_) context->set_compression_algorithm(GRPC_COMPRESS_GZIP);
    *result = result_;
    return grpc::Status::OK;
  }

 private:
  const v2::ActionResult result_;
  const bool gzip_;
};

absl::StatusCode CodeFor(const v2::ActionResult& result, bool gzip = false) {
  class : public v2::Capabilities::Service {
    grpc::Status GetCapabilities(grpc::ServerContext*, const v2::GetCapabilitiesRequest*,
                                 v2::ServerCapabilities* abilities) override {
      abilities->mutable_cache_capabilities()->add_digest_functions(v2::DigestFunction::SHA256);
      return grpc::Status::OK;
    }
  } capabilities;
  StrangeActionCache actions(result, gzip);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&capabilities).RegisterService(&actions);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  RemoteOptions options;
  options.endpoint = "grpc://127.0.0.1:" + std::to_string(port);
  options.timeout_seconds = 600;
  const auto cache = OpenRemoteCache(options, Clock::System());
  EXPECT_OK(cache);
  return (*cache)->actions().Get(DigestOf("action")).status().code();
}

TEST(RemoteCache, WhatAServerSaysIsBounded) {
  v2::ActionResult result;
  result.set_stdout_raw(std::string(reapi::kResultBytesMax - 5, 'x'));
  EXPECT_EQ(CodeFor(result), absl::StatusCode::kOk);
  EXPECT_NE(CodeFor(result, /*gzip=*/true), absl::StatusCode::kOk) << "it grows before its size is looked at";
  result.mutable_stdout_raw()->push_back('x');
  EXPECT_EQ(CodeFor(result), absl::StatusCode::kNotFound);
  result.mutable_stdout_raw()->resize(5'000'000);
  EXPECT_EQ(CodeFor(result), absl::StatusCode::kResourceExhausted);
  result.Clear();
  for (int i = 0; i < 1'500'000; ++i) result.add_output_files();
  EXPECT_EQ(CodeFor(result), absl::StatusCode::kNotFound);
}

TEST_F(RemoteCacheTest, CompressibleBlobsTravelSmallBothWays) {
  for (const std::size_t size : {100'000, 6'000'000}) {
    const std::string text = Compressible(size);
    const SharedCacheState before = remote_.cache->State();
    ASSERT_OK(remote_.cache->blobs().Put(DigestOf(text), Bytes(text)));
    auto back = remote_.cache->blobs().Get(DigestOf(text));
    ASSERT_OK(back);
    EXPECT_TRUE(*back->ReadAll() == text);
    const SharedCacheState after = remote_.cache->State();
    EXPECT_LT(after.bytes_up - before.bytes_up, static_cast<std::int64_t>(size / 3));
    EXPECT_LT(after.bytes_down - before.bytes_down, static_cast<std::int64_t>(size / 3));
    EXPECT_GT(after.bytes_up, before.bytes_up);
    EXPECT_GT(after.bytes_down, before.bytes_down);
  }
}

TEST_F(RemoteCacheTest, OnAQuickLinkBlobsComeAsTheServerHasThem) {
  const std::string packed = Compressible(6'000'000), plain = Compressible(5'000'000);
  ASSERT_OK(remote_.cache->blobs().Put(DigestOf(packed), Bytes(packed)));
  ASSERT_OK(remote_.blobs.Put(DigestOf(plain), Bytes(plain)));
  while (!remote_.zstd_forms.Find(DigestOf(packed))) std::this_thread::yield();  // kept behind the upload
  remote_.options.compression = Compression::kAuto;
  remote_.Open();
  for (const std::string& text : {packed, plain}) {
    const auto back = remote_.cache->blobs().Get(DigestOf(text));
    ASSERT_OK(back);
    EXPECT_TRUE(*back->ReadAll() == text);
    EXPECT_LT(remote_.cache->State().bytes_down, 8'000'000) << "the first is small";
  }
}

TEST_F(RemoteCacheTest, ABlobArrivesWithWhatIsToBeInIt) {
  for (const std::size_t size : {0, 1'000, 2'000'000, 6'000'000}) {
    std::string text = Compressible(size);
    ASSERT_OK(remote_.cache->blobs().Put(DigestOf(text), Bytes(text)));
    const Digest part = DigestOf(text);
    text.insert(size / 3, "inserted");
    auto blob = remote_.cache->GetWith(part, {static_cast<std::int64_t>(size / 3), Bytes("inserted")}, DigestOf(text),
                                       remote_.directory.path());
    ASSERT_OK(blob);
    EXPECT_EQ(*blob->ReadAll(), text);
    EXPECT_EQ(*DigestOf(*blob), DigestOf(text));
  }
  EXPECT_THAT(
      remote_.cache->GetWith(DigestOf("none"), {0, Bytes("inserted")}, DigestOf("whole"), remote_.directory.path()),
      StatusIs(absl::StatusCode::kNotFound));
}

// The far store of a server, in which another blob's frames have come to lie in this one's place.
class WrongFrames : public PackedBlobs {
 public:
  absl::Status ReadPacked(const Digest&, const PackedSink& sink) override {
    const std::string frames = ZstdCompress(std::string(2'000'000, 'x'), 1);
    sink.begin(std::ssize(frames));
    return sink.add(frames);
  }
};

TEST_F(RemoteCacheTest, WhatWasPassedOnUnverifiedAndIsWrongIsReadAgainWithTheServersChecks) {
  MemoryBlobStore near;
  WrongFrames far;
  PackedReads packed(near, far, remote_.blobs, remote_.zstd_forms,
                     {remote_.directory.path(), std::chrono::hours(1), std::chrono::hours(1)});
  auto server = Server::Start({remote_.blobs, remote_.actions, remote_.authorizer, Clock::System(),
                               remote_.directory.path(), remote_.zstd_forms, nullptr, nullptr, &packed},
                              {.endpoints = {{"127.0.0.1:0", nullptr}}});
  ASSERT_OK(server);
  remote_.options.endpoint = "grpc://127.0.0.1:" + std::to_string((*server)->ports()[0]);
  remote_.Open();
  for (const std::size_t size : {100'000, 2'000'000, 6'000'000}) {
    const std::string text = Compressible(size);
    ASSERT_OK(remote_.blobs.Put(DigestOf(text), Bytes(text)));
    const auto blob = remote_.cache->blobs().Get(DigestOf(text));
    ASSERT_OK(blob);
    EXPECT_TRUE(*blob->ReadAll() == text);
    const auto with = remote_.cache->GetWith(DigestOf(text), {0, Bytes("inserted")}, DigestOf("inserted" + text),
                                             remote_.directory.path());
    ASSERT_OK(with);
    EXPECT_TRUE(*with->ReadAll() == "inserted" + text);
  }
  EXPECT_THAT(remote_.cache->blobs().Get(DigestOf(std::string(2'000'000, 'y'))), StatusIs(absl::StatusCode::kNotFound));
}

// As bazel-remote does with it.
TEST_F(RemoteCacheTest, StandardOutputThatTheServerMadeABlobOfIsPutBack) {
  for (const std::string& output : {std::string("said"), std::string(2 << 20, 'x'), std::string()}) {
    ActionCache::ActionResult result;
    *result.mutable_stdout_digest() = reapi::ToProto(DigestOf(output));
    ASSERT_OK(remote_.blobs.Put(DigestOf(output), Bytes(output)));
    ASSERT_OK(remote_.actions.Of("")->Put(DigestOf("action"), result));
    const auto got = remote_.cache->actions().Get(DigestOf("action"));
    ASSERT_OK(got);
    EXPECT_TRUE(got->stdout_raw() == output);
    EXPECT_FALSE(got->has_stdout_digest());
  }
}

TEST_F(RemoteCacheTest, AReaderReadsAndIsToldThatItMayNotWrite) {
  const std::string text = Compressible(5000);
  ASSERT_OK(remote_.cache->blobs().Put(DigestOf(text), Bytes(text)));
  remote_.options.token.clear();
  remote_.Open();
  EXPECT_OK(remote_.cache->blobs().Get(DigestOf(text)));
  EXPECT_FALSE(remote_.cache->State().writable);
  EXPECT_THAT(remote_.cache->actions().Put(DigestOf("a"), {}), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(RemoteCacheTest, ARefusedTokenIsAnErrorWithoutTheToken) {
  remote_.options.token = "expired";
  remote_.Open();
  const absl::Status status = remote_.cache->blobs().Get(DigestOf("x")).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnauthenticated, testing::HasSubstr("mend [remote] token")));
  EXPECT_EQ(std::string(status.message()).find("Bearer"), std::string::npos);
}

TEST_F(RemoteCacheTest, ATokenFileIsReadAgainWhenItIsAMinuteOld) {
  const std::string path = remote_.directory / "token";
  std::ofstream(path) << "reader\n";
  remote_.options.token.clear();
  remote_.options.token_file = path;
  remote_.Open();
  EXPECT_THAT(remote_.cache->blobs().Put(DigestOf("x"), Bytes("x")), StatusIs(absl::StatusCode::kPermissionDenied));
  std::ofstream(path) << "writer\n";
  remote_.clock.AdvanceSeconds(61);
  EXPECT_OK(remote_.cache->blobs().Put(DigestOf("x"), Bytes("x")));
}

TEST_F(RemoteCacheTest, ATokenThatCannotBeHadIsAnErrorOfTheCall) {
  remote_.options.token.clear();
  remote_.options.token_file = "/nonexistent/token";
  remote_.Open();
  EXPECT_THAT(remote_.cache->Reach(), StatusIs(absl::StatusCode::kUnauthenticated,
                                               testing::HasSubstr("token_file /nonexistent/token cannot be read")));
  remote_.options.token_file.clear();
  remote_.options.token_command = "exit 1";
  remote_.Open();
  EXPECT_THAT(remote_.cache->Reach(),
              StatusIs(absl::StatusCode::kUnauthenticated, testing::HasSubstr("token_command failed")));
  remote_.options.token_command = "echo writer";
  remote_.Open();
  EXPECT_OK(remote_.cache->blobs().Put(DigestOf("x"), Bytes("x")));
}

TEST_F(RemoteCacheTest, WithoutAServerCallsFailAtOnceUntilItIsTimeToTryAgain) {
  ASSERT_OK(remote_.cache->Reach());
  remote_.server->Shutdown(std::chrono::milliseconds(0));
  EXPECT_THAT(remote_.cache->actions().Get(DigestOf("a")), StatusIs(absl::StatusCode::kUnavailable));
  const std::int64_t requests = remote_.cache->State().requests;
  EXPECT_EQ(remote_.cache->State().link, SharedCacheState::Link::kDown);
  EXPECT_THAT(remote_.cache->actions().Get(DigestOf("a")),
              StatusIs(absl::StatusCode::kUnavailable, testing::HasSubstr("not asked for another")));
  EXPECT_EQ(remote_.cache->State().requests, requests);
}

TEST_F(RemoteCacheTest, WhatCannotBeConnectedToSaysWhy) {
  remote_.options.endpoint.insert(4, "s");  // grpcs://, where no TLS is spoken
  remote_.Open();
  EXPECT_THAT(remote_.cache->Reach(), StatusIs(absl::StatusCode::kUnavailable, testing::HasSubstr("write grpc://")));
  remote_.server->Shutdown(std::chrono::milliseconds(0));
  remote_.Open();
  EXPECT_THAT(remote_.cache->Reach(),
              StatusIs(absl::StatusCode::kUnavailable, testing::HasSubstr("Connection refused")));
}

TEST(OpenRemoteCache, SettingsThatCannotWorkSayWhatToMend) {
  FakeClock clock(0);
  const std::pair<RemoteOptions, const char*> kCases[] = {
      {{.endpoint = "http://cache"}, "is not an endpoint: write \"grpcs://HOST:PORT\""},
      {{.endpoint = "grpc://cache.example:80", .token = "secret"}, "the token would travel in the clear"},
      {{.endpoint = "grpcs://cache:443", .token = "two words"}, "[remote] token does not hold a token"},
      {{.endpoint = "grpcs://cache:443", .ca_file = "/nonexistent/ca"},
       "ca_file: /nonexistent/ca is not a readable PEM"},
      {{.endpoint = "grpcs://cache:443", .client_cert = "/c"}, "write both or none"},
  };
  for (const auto& [options, expected] : kCases) {
    const absl::Status status = OpenRemoteCache(options, clock).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr(expected)));
    EXPECT_EQ(std::string(status.message()).find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace smelt
