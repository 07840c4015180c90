#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "src/reapi/input_tree.h"
#include "src/services/batch.h"
#include "src/services/testing/server_fixture.h"
#include "src/services/zstd/zstd_codec.h"

namespace smelt {
namespace {

using grpc::StatusCode;

class CasTest : public ServerTest {
 protected:
  grpc::Status Find(const v2::FindMissingBlobsRequest& request, v2::FindMissingBlobsResponse& response) {
    CallContext context;
    return cas_->FindMissingBlobs(&context, request, &response);
  }

  grpc::Status Update(const v2::BatchUpdateBlobsRequest& request) {
    CallContext context;
    updated_.Clear();
    return cas_->BatchUpdateBlobs(&context, request, &updated_);
  }

  grpc::Status Read(const v2::BatchReadBlobsRequest& request) {
    CallContext context;
    read_.Clear();
    return cas_->BatchReadBlobs(&context, request, &read_);
  }

  static void Add(v2::BatchUpdateBlobsRequest& request, const std::string& data, const Digest& digest,
                  v2::Compressor::Value compressor = v2::Compressor::IDENTITY) {
    auto& blob = *request.add_requests();
    *blob.mutable_digest() = reapi::ToProto(digest);
    blob.set_data(data);
    blob.set_compressor(compressor);
  }

  StatusCode UpdatedCode(int i) const { return static_cast<StatusCode>(updated_.responses(i).status().code()); }
  StatusCode ReadCode(int i) const { return static_cast<StatusCode>(read_.responses(i).status().code()); }

  v2::BatchUpdateBlobsResponse updated_;
  v2::BatchReadBlobsResponse read_;
};

TEST_F(CasTest, FindsWhatIsMissingOnce) {
  v2::FindMissingBlobsRequest request;
  v2::FindMissingBlobsResponse response;
  for (const Digest& digest : {Put("here"), DigestOf("gone"), DigestOf(""), DigestOf("gone")}) {
    *request.add_blob_digests() = reapi::ToProto(digest);
  }
  EXPECT_THAT(Find(request, response), HasCode(StatusCode::OK));
  ASSERT_EQ(response.missing_blob_digests_size(), 1);
  EXPECT_EQ(response.missing_blob_digests(0).hash(), DigestOf("gone").Hex());
}

TEST_F(CasTest, FindsAHundredThousandAndNotOneMore) {
  v2::FindMissingBlobsRequest request;
  v2::FindMissingBlobsResponse response;
  Digest digest = DigestOf("x");
  for (int i = 0; i < 100'000; ++i) {
    digest.size = 1'000'000 + i;
    *request.add_blob_digests() = reapi::ToProto(digest);
  }
  EXPECT_THAT(Find(request, response), HasCode(StatusCode::OK));
  EXPECT_EQ(response.missing_blob_digests_size(), 100'000);
  *request.add_blob_digests() = reapi::ToProto(digest);
  EXPECT_THAT(Find(request, response), HasCode(StatusCode::INVALID_ARGUMENT, "blob_digests: 100001"));
}

TEST_F(CasTest, BadRequestsNameTheField) {
  v2::FindMissingBlobsRequest request;
  v2::FindMissingBlobsResponse response;
  request.set_digest_function(v2::DigestFunction::BLAKE3);
  EXPECT_THAT(Find(request, response), HasCode(StatusCode::INVALID_ARGUMENT, "digest_function"));
  request.set_digest_function(v2::DigestFunction::SHA256);
  EXPECT_THAT(Find(request, response), HasCode(StatusCode::OK));
  request.set_digest_function(static_cast<v2::DigestFunction::Value>(77));
  EXPECT_THAT(Find(request, response), HasCode(StatusCode::INVALID_ARGUMENT, "digest_function: 77"));
  request.clear_digest_function();
  request.add_blob_digests();
  EXPECT_THAT(Find(request, response), HasCode(StatusCode::INVALID_ARGUMENT, "SHA-256"));
  request.clear_blob_digests();
  for (const char* instance : {"..", "a/../b", "/a", "a/", "blobs", "a/uploads", "a%2fb", "a\nb"}) {
    request.set_instance_name(instance);
    EXPECT_THAT(Find(request, response), HasCode(StatusCode::INVALID_ARGUMENT, "instance_name")) << instance;
  }
}

TEST_F(CasTest, ABatchIsWrittenEachBlobForItself) {
  v2::BatchUpdateBlobsRequest request;
  Add(request, "good", DigestOf("good"));
  Add(request, "other bytes", DigestOf("OTHER BYTES"));
  Add(request, "short", DigestOf("longer than that"));
  Add(request, CompressZstd("packed"), DigestOf("packed"), v2::Compressor::ZSTD);
  Add(request, "no frame", DigestOf("no frame"), v2::Compressor::ZSTD);
  Add(request, "x", DigestOf("x"), v2::Compressor::BROTLI);
  Add(request, "good", DigestOf("good"));
  Add(request, "", DigestOf(""));
  request.add_requests();
  Add(request, "", DigestOf(""), v2::Compressor::ZSTD);
  Add(request, CompressZstd(""), DigestOf(""), v2::Compressor::ZSTD);
  Add(request, "", DigestOf("not empty"), v2::Compressor::ZSTD);
  ASSERT_THAT(Update(request), HasCode(StatusCode::OK));
  ASSERT_EQ(updated_.responses_size(), 12);
  for (const int good : {0, 3, 6, 7, 9, 10}) EXPECT_EQ(UpdatedCode(good), StatusCode::OK) << good;
  for (const int bad : {1, 2, 4, 5, 8, 11}) EXPECT_EQ(UpdatedCode(bad), StatusCode::INVALID_ARGUMENT) << bad;
  EXPECT_EQ(updated_.responses(1).digest().hash(), DigestOf("OTHER BYTES").Hex());
  EXPECT_TRUE(Has(DigestOf("packed")));
  EXPECT_FALSE(Has(DigestOf("x")));
}

TEST_F(CasTest, LittleBatchesTakeNoThreadWhereTheStoreAllowsIt) {
  for (DeferredPuts* puts : {static_cast<DeferredPuts*>(nullptr), static_cast<DeferredPuts*>(&puts_)}) {
    StartOn(blobs_, puts);
    v2::BatchUpdateBlobsRequest request;
    Add(request, "little", DigestOf("little"));
    Add(request, "other bytes", DigestOf("OTHER BYTES"));
    Add(request, "no frame", DigestOf("no frame"), v2::Compressor::ZSTD);
    ASSERT_THAT(Update(request), HasCode(StatusCode::OK));
    EXPECT_EQ(UpdatedCode(0), StatusCode::OK);
    EXPECT_EQ(UpdatedCode(1), StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(UpdatedCode(2), StatusCode::INVALID_ARGUMENT);
    EXPECT_TRUE(Has(DigestOf("little")));
    EXPECT_EQ(puts_.puts(), puts == nullptr ? 0 : 2);
  }
}

TEST_F(CasTest, ABatchOfTheAdvertisedSizeIsTakenAndOneByteMoreIsNot) {
  const std::string large(3'000'000, 'l');
  for (const std::size_t rest : {1'000'000, 1'000'001}) {
    v2::BatchUpdateBlobsRequest update;
    v2::BatchReadBlobsRequest read;
    for (const std::string& data : {large, std::string(rest, 'r')}) {
      Add(update, data, DigestOf(data));
      *read.add_digests() = reapi::ToProto(DigestOf(data));
    }
    const StatusCode code = rest == 1'000'000 ? StatusCode::OK : StatusCode::INVALID_ARGUMENT;
    EXPECT_THAT(Update(update), HasCode(code));
    EXPECT_THAT(Read(read), HasCode(code));
  }
  v2::BatchReadBlobsRequest overflow;
  for (int i = 0; i < 3; ++i) {
    *overflow.add_digests() = reapi::ToProto(DigestOf("x"));
    overflow.mutable_digests(i)->set_size_bytes(INT64_MAX);
  }
  EXPECT_THAT(Read(overflow), HasCode(StatusCode::INVALID_ARGUMENT, "max_batch_total_size_bytes"));
  AwaitNothingHeld();
}

TEST_F(CasTest, ABatchOfAsManyBlobsAsAreAllowedIsTakenAndOneMoreIsNot) {
  limits_.digests_max = 10;
  Start();
  v2::BatchUpdateBlobsRequest update;
  v2::BatchReadBlobsRequest read;
  for (int i = 0; i < 10; ++i) {
    Add(update, "x", DigestOf("x"));
    *read.add_digests() = reapi::ToProto(DigestOf("x"));
  }
  ASSERT_THAT(Update(update), HasCode(StatusCode::OK));
  EXPECT_EQ(updated_.responses_size(), 10);
  ASSERT_THAT(Read(read), HasCode(StatusCode::OK));
  EXPECT_EQ(read_.responses_size(), 10);
  Add(update, "x", DigestOf("x"));
  *read.add_digests() = reapi::ToProto(DigestOf("x"));
  EXPECT_THAT(Update(update), HasCode(StatusCode::INVALID_ARGUMENT, "requests: 11 of them; 10 are allowed"));
  EXPECT_THAT(Read(read), HasCode(StatusCode::INVALID_ARGUMENT, "digests: 11 of them; 10 are allowed"));
}

TEST_F(CasTest, AMessageOfTheLargestSizeIsTakenAndOneByteMoreIsNot) {
  limits_.message_bytes_max = 100'000;
  Start();
  v2::BatchUpdateBlobsRequest probe;
  const std::string data(99'000, 'x');
  Add(probe, data, DigestOf(data));
  const std::size_t most = data.size() + 100'000 - probe.ByteSizeLong();
  for (const std::size_t size : {most, most + 1}) {
    const std::string blob(size, 'x');
    v2::BatchUpdateBlobsRequest request;
    Add(request, blob, DigestOf(blob));
    ASSERT_EQ(request.ByteSizeLong(), 100'000 + size - most);
    EXPECT_THAT(Update(request), HasCode(size == most ? StatusCode::OK : StatusCode::RESOURCE_EXHAUSTED));
    EXPECT_EQ(Has(DigestOf(blob)), size == most);
  }
}

TEST_F(CasTest, WhatABatchsAnswerRepeatsIsBounded) {
  for (const std::size_t length : {128, 129}) {
    v2::BatchUpdateBlobsRequest update;
    v2::BatchReadBlobsRequest read;
    update.add_requests()->mutable_digest()->set_hash(std::string(length, 'a'));
    read.add_digests()->set_hash(std::string(length, 'a'));
    const StatusCode code = length == 128 ? StatusCode::OK : StatusCode::INVALID_ARGUMENT;
    EXPECT_THAT(Update(update), HasCode(code));
    EXPECT_THAT(Read(read), HasCode(code));
  }
  v2::BatchReadBlobsRequest many;
  for (int i = 0; i < 10'000; ++i) {
    *many.add_digests() = reapi::ToProto(DigestOf("gone"));
    many.mutable_digests(i)->set_size_bytes(10);
    if (i % 2 == 0) many.mutable_digests(i)->set_hash(std::string(128, 'a'));
  }
  ASSERT_THAT(Read(many), HasCode(StatusCode::OK));
  EXPECT_LE(static_cast<std::int64_t>(read_.ByteSizeLong()), many.digests_size() * kAnswerBytesOfEach);
}

TEST_F(CasTest, ABatchIsReadEachBlobForItself) {
  const std::string text(10'000, 't');
  v2::BatchReadBlobsRequest request;
  for (const Digest& digest : {Put(text), DigestOf("gone"), DigestOf(""), Put("small")}) {
    *request.add_digests() = reapi::ToProto(digest);
  }
  request.add_digests()->set_hash("no hash");
  ASSERT_THAT(Read(request), HasCode(StatusCode::OK));
  ASSERT_EQ(read_.responses_size(), 5);
  EXPECT_EQ(read_.responses(0).data(), text);
  EXPECT_EQ(read_.responses(0).compressor(), v2::Compressor::IDENTITY);
  EXPECT_EQ(ReadCode(1), StatusCode::NOT_FOUND);
  EXPECT_EQ(ReadCode(2), StatusCode::OK);
  EXPECT_EQ(read_.responses(3).data(), "small");
  EXPECT_EQ(ReadCode(4), StatusCode::INVALID_ARGUMENT);

  request.add_acceptable_compressors(v2::Compressor::ZSTD);
  ASSERT_THAT(Read(request), HasCode(StatusCode::OK));
  EXPECT_EQ(read_.responses(0).compressor(), v2::Compressor::ZSTD);
  EXPECT_THAT(DecompressZstd(read_.responses(0).data(), 10'000), IsOkAndHolds(text));
  EXPECT_EQ(read_.responses(3).compressor(), v2::Compressor::IDENTITY) << "too small to pay";
}

TEST_F(CasTest, WhatWasUploadedAsZstdIsReadAsItWas) {
  const std::string text(100'000, 't');
  const std::string wire = CompressZstd(text.substr(0, 7)) + CompressZstd(text.substr(7));
  v2::BatchUpdateBlobsRequest upload;
  Add(upload, wire, DigestOf(text), v2::Compressor::ZSTD);
  ASSERT_THAT(Update(upload), HasCode(StatusCode::OK));
  v2::BatchReadBlobsRequest request;
  *request.add_digests() = reapi::ToProto(DigestOf(text));
  request.add_acceptable_compressors(v2::Compressor::ZSTD);
  do {
    ASSERT_THAT(Read(request), HasCode(StatusCode::OK));
    EXPECT_THAT(DecompressZstd(read_.responses(0).data(), 100'000), IsOkAndHolds(text));
  } while (read_.responses(0).data() != wire);
  request.clear_acceptable_compressors();
  ASSERT_THAT(Read(request), HasCode(StatusCode::OK));
  EXPECT_EQ(read_.responses(0).data(), text);
}

TEST_F(CasTest, WhatAStoreHasAtHandIsReadTheSame) {
  reads_in_place_ = true;
  Start();
  v2::BatchReadBlobsRequest request;
  const auto ask = [&](const Digest& digest) { *request.add_digests() = reapi::ToProto(digest); };
  const auto expect = [&](const std::vector<std::string>& blobs) {
    ASSERT_THAT(Read(request), HasCode(StatusCode::OK));
    ASSERT_EQ(read_.responses_size(), static_cast<int>(blobs.size()));
    for (std::size_t i = 0; i < blobs.size(); ++i) {
      const auto& response = read_.responses(static_cast<int>(i));
      EXPECT_EQ(response.digest().SerializeAsString(), request.digests(static_cast<int>(i)).SerializeAsString());
      EXPECT_EQ(response.data(), blobs[i]);
    }
  };
  ask(Put("small"));
  ask(DigestOf(""));
  expect({"small", ""});
  ask(DigestOf("gone"));
  expect({"small", "", ""});
  EXPECT_EQ(ReadCode(0), StatusCode::OK);
  EXPECT_EQ(ReadCode(2), StatusCode::NOT_FOUND);
  const std::string large(100'000, 'l');
  request.clear_digests();
  ask(Put(large));
  ask(Put("small"));
  expect({large, "small"});
}

TEST_F(CasTest, EmptyBatchesSucceed) {
  EXPECT_THAT(Update({}), HasCode(StatusCode::OK));
  EXPECT_THAT(Read({}), HasCode(StatusCode::OK));
}

TEST_F(CasTest, ABatchLargerThanAllMemoryWaitsForAllOfIt) {
  limits_.memory_bytes = 1000;
  Start();
  v2::BatchReadBlobsRequest request;
  *request.add_digests() = reapi::ToProto(Put(std::string(5000, 'x')));
  ASSERT_THAT(Read(request), HasCode(StatusCode::OK));
  EXPECT_EQ(read_.responses(0).data().size(), 5000);
}

class GetTreeTest : public ServerTest {
 protected:
  GetTreeTest() {
    reapi::InputTree tree;
    for (int i = 0; i < 40; ++i) {
      const std::string directory = "d" + std::to_string(i);
      tree.AddFile(directory + "/sub/file", DigestOf(directory));
    }
    const auto built = tree.Build();
    root_ = built.root;
    count_ = std::ssize(built.directories);
    for (const auto& blob : built.directories) EXPECT_OK(blobs_.Put(blob.digest, Bytes(blob.bytes)));
  }

  v2::GetTreeRequest Request(int page_size = 0, const std::string& token = "") const {
    v2::GetTreeRequest request;
    *request.mutable_root_digest() = reapi::ToProto(root_);
    request.set_page_size(page_size);
    request.set_page_token(token);
    return request;
  }

  grpc::Status Get(const v2::GetTreeRequest& request, std::size_t pages_max = SIZE_MAX) {
    CallContext context;
    pages_.clear();
    auto reader = cas_->GetTree(&context, request);
    for (v2::GetTreeResponse page; pages_.size() < pages_max && reader->Read(&page);) pages_.push_back(page);
    if (pages_.size() == pages_max) context.TryCancel();
    return reader->Finish();
  }

  // The digests of all directories in pages_.
  std::vector<Digest> Seen() const {
    std::vector<Digest> seen;
    for (const auto& page : pages_) {
      for (const auto& directory : page.directories()) seen.push_back(DigestOf(directory.SerializeAsString()));
    }
    return seen;
  }

  Digest root_;
  std::ptrdiff_t count_ = 0;
  std::vector<v2::GetTreeResponse> pages_;
};

TEST_F(GetTreeTest, GivesEachDirectoryOnce) {
  ASSERT_THAT(Get(Request()), HasCode(StatusCode::OK));
  const std::vector<Digest> seen = Seen();
  EXPECT_EQ(seen.front(), root_);
  EXPECT_EQ(std::ssize(seen), count_);
  EXPECT_EQ(std::ssize(std::set<Digest>(seen.begin(), seen.end())), count_);
  EXPECT_EQ(pages_.back().next_page_token(), "");
}

TEST_F(GetTreeTest, PagesGoOnWhereTheyEnded) {
  ASSERT_THAT(Get(Request(7)), HasCode(StatusCode::OK));
  const std::vector<Digest> all = Seen();
  EXPECT_EQ(std::ssize(pages_), (count_ + 6) / 7);
  std::vector<Digest> resumed;
  std::string token;
  do {
    Get(Request(7, token), 1);
    ASSERT_EQ(pages_.size(), 1);
    for (const Digest& digest : Seen()) resumed.push_back(digest);
    token = pages_[0].next_page_token();
  } while (!token.empty());
  EXPECT_EQ(resumed, all);
}

TEST_F(GetTreeTest, BadRequests) {
  EXPECT_THAT(Get(Request(-1)), HasCode(StatusCode::INVALID_ARGUMENT, "page_size"));
  for (const std::string& token :
       {std::string("x"), std::string("-1:") + root_.Hex(), std::string("0:") + root_.Hex(), std::string("7"),
        "07:" + root_.Hex(), "7:" + DigestOf("other").Hex(), "99999999999999999999:" + root_.Hex()}) {
    EXPECT_THAT(Get(Request(0, token)), HasCode(StatusCode::INVALID_ARGUMENT, "page_token")) << token;
  }
  EXPECT_THAT(Get({}), HasCode(StatusCode::INVALID_ARGUMENT));
  blobs_.Forget(root_);
  EXPECT_THAT(Get(Request()), HasCode(StatusCode::NOT_FOUND));
}

TEST_F(GetTreeTest, ATokenBeyondTheEndGivesNothing) {
  ASSERT_THAT(Get(Request(0, "1000000:" + root_.Hex())), HasCode(StatusCode::OK));
  EXPECT_TRUE(Seen().empty());
}

TEST_F(GetTreeTest, LimitsHold) {
  limits_.tree_directories_max = count_ - 1;
  Start();
  EXPECT_THAT(Get(Request()), HasCode(StatusCode::RESOURCE_EXHAUSTED));
}

}  // namespace
}  // namespace smelt
