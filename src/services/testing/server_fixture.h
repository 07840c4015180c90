#ifndef SMELT_SERVICES_TESTING_SERVER_FIXTURE_H_
#define SMELT_SERVICES_TESTING_SERVER_FIXTURE_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "google/bytestream/bytestream.grpc.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/unknown_field_set.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "src/auth/authorizer.h"
#include "src/base/processor_frequency.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/services/audit/audit_log.h"
#include "src/services/server.h"
#include "src/services/worker_pool.h"
#include "src/services/zstd/zstd_forms.h"
#include "src/store/memory/memory_action_caches.h"
#include "src/store/memory/memory_blob_store.h"
#include "src/testing/fake_clock.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {

namespace v2 = build::bazel::remote::execution::v2;
namespace bs = google::bytestream;

// A context whose call ends soon, whatever happens.
struct CallContext : grpc::ClientContext {
  CallContext() { set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60)); }
};

// Millions of fields that no message of ours has, and that say nothing.
inline void AddEmptyFields(google::protobuf::Message& message) {
  google::protobuf::UnknownFieldSet& fields = *message.GetReflection()->MutableUnknownFields(&message);
  for (int i = 0; i < 2'000'000; ++i) fields.AddVarint(15, 1);
}

// Puts into these stores, from a thread of its own.
class PutsFromAThread : public DeferredPuts {
 public:
  PutsFromAThread(BlobStore& blobs, ActionCaches& actions) : blobs_(blobs), actions_(actions) {}

  std::int64_t blob_bytes_max() const override { return 256 << 10; }
  void PutBlob(const Digest& digest, Bytes bytes, Done done) override {
    ++puts_;
    thread_.Continue([=, this] { done(blobs_.Put(digest, bytes)); });
  }
  void PutResult(std::string_view instance, const Digest& action, const ActionCache::ActionResult& result,
                 Done done) override {
    ++puts_;
    thread_.Continue([=, this, to = actions_.Of(instance)] { done(to->Put(action, result)); });
  }

  int puts() const { return puts_; }

 private:
  BlobStore& blobs_;
  ActionCaches& actions_;
  std::atomic<int> puts_ = 0;
  WorkerPool thread_{1, 1};
};

// A server on a loopback port with stores in memory, and stubs that call it. Start() with other limits or parts begins
// another one.
class ServerTest : public testing::Test {
 protected:
  ServerTest() { Start(); }

  void Start() { StartOn(blobs_, &puts_); }

  void StartOn(BlobStore& blobs, DeferredPuts* puts = nullptr) {
    server_.reset();
    ServerOptions options;
    options.endpoints = {{"127.0.0.1:0", nullptr}};
    options.limits = limits_;
    options.reflection = reflection_;
    options.reads_in_place = reads_in_place_;
    options.audit = &audit_;
    options.calls = calls_;
    options.more_services = more_services_;
    auto server = Server::Start(
        {blobs, actions_, *authorizer_, clock_, staging_.path(), zstd_forms_, puts, results_, packed_}, options);
    ASSERT_OK(server);
    server_ = *std::move(server);
    address_ = "127.0.0.1:" + std::to_string(server_->ports().at(0));
    channel_ = NewChannel();
    cas_ = v2::ContentAddressableStorage::NewStub(channel_);
    cache_ = v2::ActionCache::NewStub(channel_);
    bytes_ = bs::ByteStream::NewStub(channel_);
  }

  // A call's memory is given back a moment after its client has seen its end.
  void AwaitNothingHeld() {
    while (server_->held_bytes() > 0) std::this_thread::yield();
  }

  // A connection of its own.
  std::shared_ptr<grpc::Channel> NewChannel() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(64 << 20);
    LookUpProcessorFrequency();
    return grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments);
  }

  Digest Put(std::string_view bytes) {
    const Digest digest = DigestOf(bytes);
    EXPECT_OK(blobs_.Put(digest, Bytes(std::string(bytes))));
    return digest;
  }

  // What the audit log got since the last call.
  std::vector<std::string> AuditLines() {
    const std::lock_guard lock(audit_mu_);
    return std::exchange(audit_lines_, {});
  }

  bool Has(const Digest& digest) { return blobs_.FindMissing({&digest, 1})->empty(); }

  Limits limits_;
  bool reflection_ = false;
  bool reads_in_place_ = false;
  std::vector<grpc::Service*> more_services_;
  CompleteResults* results_ = nullptr;
  CallObserver* calls_ = nullptr;
  PackedReads* packed_ = nullptr;
  MemoryBlobStore blobs_;
  MemoryActionCaches actions_;
  PutsFromAThread puts_{blobs_, actions_};
  AllowAll allow_all_;
  Authorizer* authorizer_ = &allow_all_;
  FakeClock clock_;
  std::mutex audit_mu_;
  std::vector<std::string> audit_lines_;
  AuditLog audit_{clock_, [this](const std::string& line) {
                    const std::lock_guard lock(audit_mu_);
                    audit_lines_.push_back(line);
                  }};
  TempDir staging_;
  ZstdForms zstd_forms_{staging_.path(), 1 << 30};
  std::unique_ptr<Server> server_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v2::ContentAddressableStorage::Stub> cas_;
  std::unique_ptr<v2::ActionCache::Stub> cache_;
  std::unique_ptr<bs::ByteStream::Stub> bytes_;
};

// Matches a grpc::Status with this code, and prints one that has another.
MATCHER_P(HasCode, code, "") {
  *result_listener << arg.error_code() << ": " << arg.error_message();
  return arg.error_code() == code;
}

MATCHER_P2(HasCode, code, message, "") {
  *result_listener << arg.error_code() << ": " << arg.error_message();
  return arg.error_code() == code && arg.error_message().find(message) != std::string::npos;
}

}  // namespace smelt

#endif  // SMELT_SERVICES_TESTING_SERVER_FIXTURE_H_
