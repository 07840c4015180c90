// What a thousand slow clients cost the server, and what they cost the others.
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "src/services/testing/server_fixture.h"

namespace smelt {
namespace {

using grpc::StatusCode;

constexpr int kConnections = 5;
constexpr int kStreamsOfEach = 200;
constexpr std::int64_t kBlobBytes = 1 << 20;

int Threads() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Threads:")) return std::stoi(line.substr(8));
  }
  return 0;
}

class SlowClientsTest : public ServerTest {
 protected:
  struct SlowRead {
    CallContext context;
    std::unique_ptr<grpc::ClientReader<bs::ReadResponse>> reader;
  };

  // Begins to read and reads nothing.
  std::unique_ptr<SlowRead> BeginRead(bs::ByteStream::Stub& stub, const Digest& digest) {
    auto slow = std::make_unique<SlowRead>();
    bs::ReadRequest request;
    request.set_resource_name("blobs/" + digest.ToString());
    slow->reader = stub.Read(&slow->context, request);
    return slow;
  }

  std::vector<std::unique_ptr<SlowRead>> BeginThousandReads(const Digest& digest) {
    std::vector<std::unique_ptr<SlowRead>> reads;
    for (int c = 0; c < kConnections; ++c) {
      stubs_.push_back(bs::ByteStream::NewStub(NewChannel()));
      for (int i = 0; i < kStreamsOfEach; ++i) reads.push_back(BeginRead(*stubs_.back(), digest));
    }
    return reads;
  }

  grpc::Status FindOne() {
    CallContext context;
    v2::FindMissingBlobsRequest request;
    *request.add_blob_digests() = reapi::ToProto(DigestOf("x"));
    v2::FindMissingBlobsResponse response;
    return cas_->FindMissingBlobs(&context, request, &response);
  }

  std::vector<std::unique_ptr<bs::ByteStream::Stub>> stubs_;
};

TEST_F(SlowClientsTest, AThousandReadersHoldNoThreadsAndBoundedMemory) {
  limits_.memory_bytes = 64 << 20;
  Start();
  const Digest digest = Put(std::string(kBlobBytes, 'b'));
  ASSERT_THAT(FindOne(), HasCode(StatusCode::OK));
  const int threads = Threads();
  auto reads = BeginThousandReads(digest);
  const std::int64_t for_many = limits_.memory_bytes / 4 * 3;  // the rest is for those who hold little
  while (server_->held_bytes() < for_many) std::this_thread::yield();
  EXPECT_LE(server_->held_bytes(), limits_.memory_bytes);
  EXPECT_LT(Threads(), threads + 100);
  EXPECT_THAT(FindOne(), HasCode(StatusCode::OK)) << "what needs no memory does not wait for it";
  for (auto& read : reads) read->context.TryCancel();
  for (auto& read : reads) EXPECT_THAT(read->reader->Finish(), HasCode(StatusCode::CANCELLED));
  AwaitNothingHeld();
}

TEST_F(SlowClientsTest, AThousandReadersAreAllServedWhenTheyRead) {
  limits_.memory_bytes = 16 << 20;
  Start();
  const Digest digest = Put(std::string(100'000, 'b'));
  auto reads = BeginThousandReads(digest);
  for (auto& read : reads) {
    std::size_t bytes = 0;
    for (bs::ReadResponse response; read->reader->Read(&response);) bytes += response.data().size();
    EXPECT_EQ(bytes, 100'000u);
    EXPECT_THAT(read->reader->Finish(), HasCode(StatusCode::OK));
  }
  AwaitNothingHeld();
}

TEST_F(SlowClientsTest, WhoNeverReadsIsEndedAndTheNextOneIsServed) {
  limits_.memory_bytes = kBlobBytes;
  limits_.idle_seconds = 1;
  Start();
  const std::size_t size = 16 << 20;  // more than gRPC and the kernel hold for a client that does not read
  const Digest digest = Put(std::string(size, 'b'));
  auto stalled = BeginRead(*bytes_, digest);
  while (server_->held_bytes() == 0) std::this_thread::yield();
  auto next = BeginRead(*bytes_, digest);
  std::size_t bytes = 0;
  for (bs::ReadResponse response; next->reader->Read(&response);) bytes += response.data().size();
  EXPECT_EQ(bytes, size);
  EXPECT_THAT(next->reader->Finish(), HasCode(StatusCode::OK));
  for (bs::ReadResponse response; stalled->reader->Read(&response);) continue;
  EXPECT_THAT(stalled->reader->Finish(), HasCode(StatusCode::CANCELLED));
}

TEST_F(SlowClientsTest, ATreeOfWhichNobodyTakesThePagesIsCountedUntilItsEnd) {
  constexpr int kDirectories = 3000;
  limits_.tree_bytes_max = 8 << 20;
  limits_.memory_bytes = 64 << 20;
  Start();
  v2::Directory root;
  for (int i = 0; i < kDirectories; ++i) {
    v2::Directory child;
    v2::SymlinkNode& link = *child.add_symlinks();
    link.set_name("link");
    link.set_target(std::string(1000, 't') + std::to_string(i));
    v2::DirectoryNode& node = *root.add_directories();
    node.set_name(std::to_string(10'000 + i));
    *node.mutable_digest() = reapi::ToProto(Put(child.SerializeAsString()));
  }
  v2::GetTreeRequest request;
  *request.mutable_root_digest() = reapi::ToProto(Put(root.SerializeAsString()));
  CallContext context;
  auto reader = cas_->GetTree(&context, request);
  while (server_->held_bytes() < 2 * limits_.tree_bytes_max) std::this_thread::yield();
  int directories = 0;
  for (v2::GetTreeResponse page; reader->Read(&page);) directories += page.directories_size();
  EXPECT_THAT(reader->Finish(), HasCode(StatusCode::OK));
  EXPECT_EQ(directories, kDirectories + 1);
  AwaitNothingHeld();
}

TEST_F(SlowClientsTest, WhoNeverGoesOnWritingIsEndedAndCanGoOnLater) {
  limits_.idle_seconds = 1;
  Start();
  const std::string name = "uploads/u/blobs/" + DigestOf("twelve bytes").ToString();
  CallContext context;
  bs::WriteResponse response;
  auto writer = bytes_->Write(&context, &response);
  bs::WriteRequest request;
  request.set_resource_name(name);
  request.set_data("twelve");
  ASSERT_TRUE(writer->Write(request));
  EXPECT_THAT(writer->Finish(), HasCode(StatusCode::CANCELLED));
  bs::QueryWriteStatusRequest query;
  query.set_resource_name(name);
  bs::QueryWriteStatusResponse status;
  do {  // the client sees the end a moment before what it sent has been put aside
    CallContext query_context;
    ASSERT_THAT(bytes_->QueryWriteStatus(&query_context, query, &status), HasCode(StatusCode::OK));
  } while (status.committed_size() == 0);
  EXPECT_EQ(status.committed_size(), 6);
}

}  // namespace
}  // namespace smelt
