#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "src/services/testing/server_fixture.h"
#include "src/services/zstd/zstd_codec.h"

namespace smelt {
namespace {

using grpc::StatusCode;

struct Written {
  grpc::Status status;
  std::int64_t committed = 0;
};

class ByteStreamTest : public ServerTest {
 protected:
  static std::string UploadOf(const Digest& digest, std::string_view uuid = "u") {
    return "main/uploads/" + std::string(uuid) + "/blobs/" + digest.ToString();
  }
  static std::string ZstdUploadOf(const Digest& digest, std::string_view uuid = "u") {
    return "uploads/" + std::string(uuid) + "/compressed-blobs/zstd/" + digest.ToString();
  }

  static bs::WriteRequest Message(std::string_view name, std::int64_t offset, std::string_view data, bool finish) {
    bs::WriteRequest request;
    request.set_resource_name(std::string(name));
    request.set_write_offset(offset);
    request.set_data(std::string(data));
    request.set_finish_write(finish);
    return request;
  }

  // Sends these messages as far as the server wants them, and then no more.
  Written Write(const std::vector<bs::WriteRequest>& messages) {
    CallContext context;
    bs::WriteResponse response;
    auto writer = bytes_->Write(&context, &response);
    for (const bs::WriteRequest& message : messages) {
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    Written written;
    written.status = writer->Finish();
    written.committed = response.committed_size();
    return written;
  }

  Written WriteInPieces(const std::string& name, std::string_view data, std::size_t piece, std::int64_t from = 0) {
    std::vector<bs::WriteRequest> messages;
    for (std::size_t at = static_cast<std::size_t>(from); at < data.size(); at += piece) {
      messages.push_back(Message(messages.empty() ? name : "", static_cast<std::int64_t>(at), data.substr(at, piece),
                                 at + piece >= data.size()));
    }
    return Write(messages);
  }

  struct Seen {
    grpc::Status status;
    std::string data;
    std::vector<std::size_t> messages;
  };

  Seen Read(const std::string& name, std::int64_t offset = 0, std::int64_t limit = 0, const char* wishes = nullptr) {
    CallContext context;
    if (wishes != nullptr) context.AddMetadata("smelt-zstd", wishes);
    bs::ReadRequest request;
    request.set_resource_name(name);
    request.set_read_offset(offset);
    request.set_read_limit(limit);
    auto reader = bytes_->Read(&context, request);
    Seen seen;
    for (bs::ReadResponse response; reader->Read(&response);) {
      seen.data += response.data();
      seen.messages.push_back(response.data().size());
    }
    seen.status = reader->Finish();
    return seen;
  }

  bs::QueryWriteStatusResponse Query(const std::string& name) {
    CallContext context;
    bs::QueryWriteStatusRequest request;
    request.set_resource_name(name);
    bs::QueryWriteStatusResponse response;
    EXPECT_THAT(bytes_->QueryWriteStatus(&context, request, &response), HasCode(StatusCode::OK));
    return response;
  }

  // In the unnamed files of uploads: the server is in this process.
  std::int64_t StagedBytes() const {
    std::int64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code error;
      const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
      struct stat file;
      if (target.starts_with(staging_.path()) && ::stat(entry.path().c_str(), &file) == 0) bytes += file.st_size;
    }
    return bytes;
  }

  static std::string Blob(std::size_t size) {
    std::string blob(size, '\0');
    for (std::size_t i = 0; i < size; ++i) blob[i] = static_cast<char>(i * 2654435761u >> 13);
    return blob;
  }
};

TEST_F(ByteStreamTest, WhatIsWrittenIsRead) {
  for (const std::size_t size : {1, 11, 131071, 131072, 131073, 262144, 262145, 1 << 20, (5 << 20) + 3}) {
    const std::string blob = Blob(size);
    const Digest digest = DigestOf(blob);
    const Written written = WriteInPieces(UploadOf(digest), blob, 100'000);
    EXPECT_THAT(written.status, HasCode(StatusCode::OK)) << size;
    EXPECT_EQ(written.committed, static_cast<std::int64_t>(size));
    const Seen seen = Read("main/blobs/" + digest.ToString());
    EXPECT_THAT(seen.status, HasCode(StatusCode::OK));
    EXPECT_EQ(seen.data, blob) << size;
    EXPECT_LE(*std::max_element(seen.messages.begin(), seen.messages.end()), 1u << 20);
  }
  AwaitNothingHeld();
}

TEST_F(ByteStreamTest, ReadsFromAnOffsetUpToALimit) {
  const std::string blob = Blob(300'000);
  const std::string name = "blobs/" + Put(blob).ToString();
  EXPECT_EQ(Read(name, 299'999).data, blob.substr(299'999));
  EXPECT_EQ(Read(name, 1, 131'072).data, blob.substr(1, 131'072));
  EXPECT_EQ(Read(name, 200'000, 1'000'000).data, blob.substr(200'000));
  EXPECT_EQ(Read(name, 0, 1).data, blob.substr(0, 1));
  EXPECT_EQ(Read(name, 5, INT64_MAX).data, blob.substr(5));
  const Seen at_end = Read(name, 300'000);
  EXPECT_THAT(at_end.status, HasCode(StatusCode::OK));
  EXPECT_EQ(at_end.data, "");
}

TEST_F(ByteStreamTest, MessagesAreLargeWhileLittleMemoryIsHeld) {
  const std::string blob = Blob(3 << 20);
  const Seen seen = Read("blobs/" + Put(blob).ToString());
  EXPECT_EQ(seen.data, blob);
  EXPECT_THAT(seen.messages, testing::Each(512u << 10));
}

TEST_F(ByteStreamTest, MessagesAreSmallWhileMuchMemoryIsHeld) {
  limits_.memory_bytes = 2 << 20;  // of which a reader needs half before the blob is found
  Start();
  const std::string blob = Blob(3 << 20);
  const Seen seen = Read("blobs/" + Put(blob).ToString());
  EXPECT_EQ(seen.data, blob);
  EXPECT_THAT(seen.messages, testing::Each(128u << 10));
}

TEST_F(ByteStreamTest, WhatAStoreHasAtHandIsReadTheSame) {
  reads_in_place_ = true;
  Start();
  for (const std::size_t size : {1, 65'536, 65'537, 3 << 20}) {
    const std::string blob = Blob(size);
    const std::string name = "blobs/" + Put(blob).ToString();
    EXPECT_EQ(Read(name).data, blob) << size;
    EXPECT_EQ(Read(name, static_cast<std::int64_t>(size) - 1).data, blob.substr(size - 1));
  }
  EXPECT_THAT(Read("blobs/" + DigestOf("gone").ToString()).status, HasCode(StatusCode::NOT_FOUND));
  AwaitNothingHeld();
}

TEST_F(ByteStreamTest, BadReads) {
  const std::string digest = Put("hello").ToString();
  EXPECT_THAT(Read("blobs/" + digest, 6).status, HasCode(StatusCode::OUT_OF_RANGE, "read_offset"));
  EXPECT_THAT(Read("blobs/" + digest, -1).status, HasCode(StatusCode::OUT_OF_RANGE, "read_offset"));
  EXPECT_THAT(Read("blobs/" + digest, INT64_MIN).status, HasCode(StatusCode::OUT_OF_RANGE, "read_offset"));
  EXPECT_THAT(Read("blobs/" + digest, 0, -1).status, HasCode(StatusCode::INVALID_ARGUMENT, "read_limit"));
  EXPECT_THAT(Read("compressed-blobs/zstd/" + digest, 0, 1).status,
              HasCode(StatusCode::INVALID_ARGUMENT, "read_limit"));
  EXPECT_THAT(Read("blobs/" + DigestOf("gone").ToString()).status, HasCode(StatusCode::NOT_FOUND));
  EXPECT_THAT(Read("").status, HasCode(StatusCode::INVALID_ARGUMENT, "resource_name"));
  EXPECT_THAT(Read("uploads/u/blobs/" + digest).status, HasCode(StatusCode::INVALID_ARGUMENT, "resource_name"));
}

TEST_F(ByteStreamTest, WhatTheStoreHasLostIsNotThere) {
  class LossyBlobs : public MemoryBlobStore {
    absl::StatusOr<Bytes> Get(const Digest&) override { return absl::DataLossError("rotten"); }
  } lossy;
  StartOn(lossy);
  for (const char* kind : {"blobs/", "compressed-blobs/zstd/"}) {
    EXPECT_THAT(Read(kind + DigestOf("x").ToString()).status, HasCode(StatusCode::NOT_FOUND, "rotten")) << kind;
  }
  CallContext context;
  v2::BatchReadBlobsRequest request;
  *request.add_digests() = reapi::ToProto(DigestOf("x"));
  v2::BatchReadBlobsResponse response;
  ASSERT_THAT(cas_->BatchReadBlobs(&context, request, &response), HasCode(StatusCode::OK));
  EXPECT_EQ(response.responses(0).status().code(), StatusCode::NOT_FOUND);
  server_.reset();
}

TEST_F(ByteStreamTest, TheEmptyBlobIsAlwaysThere) {
  const std::string digest = DigestOf("").ToString();
  for (const char* kind : {"blobs/", "compressed-blobs/zstd/"}) {
    const Seen seen = Read(kind + digest);
    EXPECT_THAT(seen.status, HasCode(StatusCode::OK));
    EXPECT_EQ(seen.data, "");
  }
  EXPECT_THAT(Write({Message(UploadOf(DigestOf("")), 0, "", true)}).status, HasCode(StatusCode::OK));
  EXPECT_TRUE(Query(UploadOf(DigestOf(""))).complete());
}

TEST_F(ByteStreamTest, WhatWasUploadedAsZstdIsSentAsItWas) {
  const std::string blob(1 << 20, 'a');
  const Digest digest = DigestOf(blob);
  const std::string wire = CompressZstd(blob.substr(0, 999)) + CompressZstd(blob.substr(999));
  EXPECT_THAT(WriteInPieces(ZstdUploadOf(digest), wire, 50).status, HasCode(StatusCode::OK));
  while (Read("compressed-blobs/zstd/" + digest.ToString()).data != wire) std::this_thread::yield();
  EXPECT_EQ(Read("blobs/" + digest.ToString()).data, blob);
  const Seen tail = Read("compressed-blobs/zstd/" + digest.ToString(), 999);
  EXPECT_THAT(DecompressZstd(tail.data, digest.size - 999), IsOkAndHolds(blob.substr(999)));
}

TEST_F(ByteStreamTest, ZstdThatIsNotWhatItsNameSaysIsNotKept) {
  const std::string blob(1 << 20, 'a'), other(1 << 20, 'b');
  const Digest digest = DigestOf(blob);
  EXPECT_THAT(Write({Message(ZstdUploadOf(digest), 0, CompressZstd(other), true)}).status,
              HasCode(StatusCode::INVALID_ARGUMENT));
  Put(blob);
  for (int i = 0; i < 10; ++i) {
    const Seen seen = Read("compressed-blobs/zstd/" + digest.ToString());
    EXPECT_THAT(DecompressZstd(seen.data, digest.size), IsOkAndHolds(blob));
  }
}

// A far store whose frames are not what it says.
class LyingStore : public PackedBlobs {
 public:
  absl::Status ReadPacked(const Digest&, const PackedSink& sink) override {
    sink.begin(std::ssize(frames));
    return sink.add(frames);
  }

  const std::string frames = CompressZstd(std::string(1 << 20, 'x'));
};

TEST_F(ByteStreamTest, WhatOnlyTheFarStoreHasIsPassedOnToThoseWhoVerify) {
  const std::string blob(1 << 20, 'a');
  MemoryBlobStore near;
  LyingStore far;
  const Digest digest = Put(blob);
  PackedReads packed(near, far, blobs_, zstd_forms_, {.directory = staging_.path()});
  packed_ = &packed;
  Start();
  const std::string name = "compressed-blobs/zstd/" + digest.ToString();
  for (const char* wishes : {"unverified", "stored, unverified"}) EXPECT_EQ(Read(name, 0, 0, wishes).data, far.frames);
  for (const char* wishes : {"", "stored", "verified"}) {
    EXPECT_THAT(DecompressZstd(Read(name, 0, 0, wishes).data, digest.size), IsOkAndHolds(blob)) << wishes;
  }
  EXPECT_THAT(DecompressZstd(Read(name, 1, 0, "unverified").data, digest.size - 1), IsOkAndHolds(blob.substr(1)));
  EXPECT_EQ(Read("blobs/" + digest.ToString(), 0, 0, "unverified").data, blob);
  server_.reset();
}

TEST_F(ByteStreamTest, ZstdBothWays) {
  for (const std::size_t size : {2, 1000, 131073, 262145, 3 << 20}) {
    const std::string blob = Blob(size);
    const Digest digest = DigestOf(blob);
    const std::string wire = CompressZstd(blob.substr(0, size / 2)) + CompressZstd(blob.substr(size / 2));
    const Written written = WriteInPieces(ZstdUploadOf(digest), wire, 50'000);
    EXPECT_THAT(written.status, HasCode(StatusCode::OK));
    EXPECT_EQ(written.committed, std::ssize(wire));
    EXPECT_EQ(Read("blobs/" + digest.ToString()).data, blob);
    const Seen seen = Read("compressed-blobs/zstd/" + digest.ToString());
    EXPECT_THAT(DecompressZstd(seen.data, digest.size), IsOkAndHolds(blob));
    const Seen tail = Read("compressed-blobs/zstd/" + digest.ToString(), 1);
    EXPECT_THAT(DecompressZstd(tail.data, digest.size - 1), IsOkAndHolds(blob.substr(1)));
  }
}

TEST_F(ByteStreamTest, WhatIsThereSucceedsAtOnce) {
  const Digest digest = Put(Blob(5'000'000));
  const Written identity = Write({Message(UploadOf(digest), 0, "x", false)});
  EXPECT_THAT(identity.status, HasCode(StatusCode::OK));
  EXPECT_EQ(identity.committed, 5'000'000);
  const Written zstd = Write({Message(ZstdUploadOf(digest), 0, "x", false)});
  EXPECT_THAT(zstd.status, HasCode(StatusCode::OK));
  EXPECT_EQ(zstd.committed, -1);
}

TEST_F(ByteStreamTest, AnUploadThatBrokeOffIsCompleteOnceItsBlobIsThere) {
  const std::string blob = Blob(1000);
  const std::string name = UploadOf(DigestOf(blob));
  EXPECT_EQ(Write({Message(name, 0, blob.substr(0, 400), false)}).committed, 400);
  EXPECT_EQ(Query(name).committed_size(), 400);
  Put(blob);
  EXPECT_EQ(Query(name).committed_size(), 1000);
  EXPECT_TRUE(Query(name).complete());
}

TEST_F(ByteStreamTest, AnUploadThatBrokeOffGoesOn) {
  for (const std::size_t size : {1000, 1'000'000}) {  // staged in memory, and in a file
    const std::string blob = Blob(size);
    const std::string name = UploadOf(DigestOf(blob));
    const Written first =
        Write({Message(name, 0, blob.substr(0, 400), false), Message("", 400, blob.substr(400, 100), false)});
    EXPECT_THAT(first.status, HasCode(StatusCode::OK));
    EXPECT_EQ(first.committed, 500);
    EXPECT_EQ(Query(name).committed_size(), 500);
    EXPECT_FALSE(Query(name).complete());
    EXPECT_FALSE(Has(DigestOf(blob)));
    EXPECT_THAT(WriteInPieces(name, blob, 300'000, 500).status, HasCode(StatusCode::OK));
    EXPECT_TRUE(Query(name).complete());
    EXPECT_EQ(Query(name).committed_size(), static_cast<std::int64_t>(size));
    EXPECT_EQ(Read("blobs/" + DigestOf(blob).ToString()).data, blob);
  }
  AwaitNothingHeld();
}

TEST_F(ByteStreamTest, AClientThatGoesAwayCanComeBack) {
  const std::string blob = Blob(1'000'000);
  const std::string name = UploadOf(DigestOf(blob));
  {
    CallContext context;
    bs::WriteResponse response;
    auto writer = bytes_->Write(&context, &response);
    ASSERT_TRUE(writer->Write(Message(name, 0, blob.substr(0, 600'000), false)));
    while (StagedBytes() != 600'000) std::this_thread::yield();
    context.TryCancel();
    writer->Finish();
  }
  while (Query(name).committed_size() != 600'000) std::this_thread::yield();
  EXPECT_THAT(WriteInPieces(name, blob, 300'000, 600'000).status, HasCode(StatusCode::OK));
}

TEST_F(ByteStreamTest, OffsetZeroBeginsAnew) {
  const std::string blob = Blob(1000);
  const std::string name = UploadOf(DigestOf(blob));
  Write({Message(name, 0, "not what it should be", false)});
  EXPECT_THAT(WriteInPieces(name, blob, 300).status, HasCode(StatusCode::OK));
}

TEST_F(ByteStreamTest, OfAnUploadThatNobodyKnowsNothingIsHere) {
  const auto status = Query(UploadOf(DigestOf("gone")));
  EXPECT_EQ(status.committed_size(), 0);
  EXPECT_FALSE(status.complete());
  CallContext context;
  bs::QueryWriteStatusRequest request;
  bs::QueryWriteStatusResponse response;
  EXPECT_THAT(bytes_->QueryWriteStatus(&context, request, &response), HasCode(StatusCode::INVALID_ARGUMENT));
}

TEST_F(ByteStreamTest, ManyWritersOfOneBlobAllSucceedAlsoUnderOneName) {
  const std::string blob = Blob(700'000);
  std::vector<std::thread> threads;
  std::vector<Written> results(16);
  for (std::size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      const std::string name =
          i % 2 == 0 ? UploadOf(DigestOf(blob), "one") : UploadOf(DigestOf(blob), std::to_string(i));
      results[i] = WriteInPieces(name, blob, 50'000);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Written& result : results) {
    EXPECT_THAT(result.status, HasCode(StatusCode::OK));
    EXPECT_EQ(result.committed, 700'000);
  }
  EXPECT_EQ(Read("blobs/" + DigestOf(blob).ToString()).data, blob);
}

TEST_F(ByteStreamTest, BlobsBeyondTheLimitAreRefusedByTheirName) {
  limits_.blob_bytes_max = 1000;
  Start();
  EXPECT_THAT(WriteInPieces(UploadOf(DigestOf(Blob(1000))), Blob(1000), 500).status, HasCode(StatusCode::OK));
  EXPECT_THAT(WriteInPieces(UploadOf(DigestOf(Blob(1001))), Blob(1001), 500).status,
              HasCode(StatusCode::INVALID_ARGUMENT, "1001 bytes; 1000 are allowed"));
}

}  // namespace
}  // namespace smelt
