#include "src/store/s3/outbox_uploader.h"

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/memory/memory_action_caches.h"
#include "src/store/memory/memory_blob_store.h"
#include "src/store/memory/memory_object_store.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class MemoryOutbox : public Outbox {
 public:
  absl::StatusOr<std::vector<Entry>> Next(std::uint64_t after, std::size_t entries_max) override {
    const std::lock_guard lock(mu_);
    std::vector<Entry> next;
    for (auto it = entries_.upper_bound(after); it != entries_.end() && next.size() < entries_max; ++it) {
      next.push_back(it->second);
    }
    return next;
  }

  absl::Status Confirm(absl::Span<const std::uint64_t> sequences) override {
    const std::lock_guard lock(mu_);
    for (const std::uint64_t sequence : sequences) entries_.erase(sequence);
    return absl::OkStatus();
  }

  Backlog Pending() override {
    const std::lock_guard lock(mu_);
    return {static_cast<std::int64_t>(entries_.size()), 0, 0};
  }

  void Add(Kind kind, const std::string& instance, const Digest& digest) {
    const std::lock_guard lock(mu_);
    ++last_;
    entries_[last_] = {last_, kind, instance, digest, 0};
  }

 private:
  std::mutex mu_;
  std::uint64_t last_ = 0;                  // guarded by mu_
  std::map<std::uint64_t, Entry> entries_;  // guarded by mu_
};

class OutboxUploaderTest : public testing::Test {
 protected:
  void PutBlob(const std::string& contents) {
    ASSERT_OK(blobs_.Put(DigestOf(contents), Bytes(contents)));
    outbox_.Add(Outbox::Kind::kBlob, "", DigestOf(contents));
  }

  void PutResult(const std::string& instance, const std::string& action, int exit_code) {
    ActionCache::ActionResult result;
    result.set_exit_code(exit_code);
    ASSERT_OK(actions_.Of(instance)->Put(DigestOf(action), result));
    outbox_.Add(Outbox::Kind::kAction, instance, DigestOf(action));
  }

  // A batch, or an upload of the bucket's own, that began before the fault went may still fail.
  absl::Status DrainOnceHealed() {
    absl::Status drained = uploader_->Drain();
    for (int i = 0; i < 5 && !drained.ok(); ++i) drained = uploader_->Drain();
    return drained;
  }

  void Start(std::size_t batch_entries = 1000) {
    OutboxUploaderOptions options;
    options.batch_entries = batch_entries;
    options.poll_ms = options.retry_ms = 3'600'000;
    uploader_.reset();
    bucket_ = std::make_unique<BucketStore>(Still(), objects_, Clock::System());
    uploader_ = std::make_unique<OutboxUploader>(options, outbox_, blobs_, actions_, *bucket_);
  }

  static BucketStoreOptions Still() {
    BucketStoreOptions options;
    options.seal_after_ms = options.retry_ms = 3'600'000;
    return options;
  }

  void ExpectInBucket(const std::string& contents) {
    BucketStore fresh(Still(), objects_, Clock::System());
    const auto bytes = fresh.Get(DigestOf(contents));
    ASSERT_OK(bytes);
    EXPECT_EQ(*bytes->ReadAll(), contents);
  }

  MemoryObjectStore objects_;
  MemoryBlobStore blobs_;
  MemoryActionCaches actions_;
  MemoryOutbox outbox_;
  std::unique_ptr<BucketStore> bucket_;
  std::unique_ptr<OutboxUploader> uploader_;
};

TEST_F(OutboxUploaderTest, BringsBlobsAndResultsIntoTheBucket) {
  for (int i = 0; i < 50; ++i) PutBlob("blob " + std::to_string(i));
  PutBlob(std::string(2 << 20, 'x'));
  PutResult("main", "action", 4);
  Start();
  ASSERT_OK(uploader_->Drain());
  EXPECT_EQ(outbox_.Pending().entries, 0);
  ExpectInBucket("blob 49");
  ExpectInBucket(std::string(2 << 20, 'x'));
  BucketStore fresh(Still(), objects_, Clock::System());
  EXPECT_EQ(fresh.Of("main")->Get(DigestOf("action"))->exit_code(), 4);
  EXPECT_EQ(uploader_->GetStatistics().sent, 52);
}

TEST_F(OutboxUploaderTest, TheBucketsIndexIsReadBeforeAnybodyAsks) {
  Start();
  while (objects_.Count("list") == 0) std::this_thread::yield();
}

TEST_F(OutboxUploaderTest, TakesManyBatches) {
  for (int i = 0; i < 50; ++i) PutBlob(std::to_string(i));
  Start(7);
  ASSERT_OK(uploader_->Drain());
  for (int i = 0; i < 50; ++i) ExpectInBucket(std::to_string(i));
}

TEST_F(OutboxUploaderTest, WhatIsGoneLocallyIsConfirmed) {
  outbox_.Add(Outbox::Kind::kBlob, "", DigestOf("gone"));
  PutBlob("here");
  Start();
  ASSERT_OK(uploader_->Drain());
  ExpectInBucket("here");
  EXPECT_EQ(uploader_->GetStatistics().dropped, 1);
}

TEST_F(OutboxUploaderTest, WhatTheBucketRefusesDoesNotHoldUpTheRest) {
  ActionCache::ActionResult result;
  result.set_stdout_raw(std::string(5'000'000, 'x'));
  ASSERT_OK(actions_.Of("")->Put(DigestOf("action"), result));
  outbox_.Add(Outbox::Kind::kAction, "", DigestOf("action"));
  PutBlob("here");
  Start();
  ASSERT_OK(uploader_->Drain());
  ExpectInBucket("here");
  EXPECT_EQ(uploader_->GetStatistics().dropped, 1);
}

TEST_F(OutboxUploaderTest, NothingIsConfirmedWhileTheIndexCannotBeWritten) {
  objects_.SetFault([](const std::string& operation, const std::string& key) {
    const bool index = operation == "put" && key.starts_with("v1/index/");
    return index ? absl::UnavailableError("down") : absl::OkStatus();
  });
  PutBlob("a");
  Start();
  EXPECT_THAT(uploader_->Drain(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("down")));
  EXPECT_EQ(outbox_.Pending().entries, 1);
  EXPECT_THAT(uploader_->GetStatistics().failing, StatusIs(absl::StatusCode::kUnavailable));
  objects_.SetFault({});
  ASSERT_OK(DrainOnceHealed());
  EXPECT_EQ(outbox_.Pending().entries, 0);
  EXPECT_OK(uploader_->GetStatistics().failing);
  ExpectInBucket("a");
}

TEST_F(OutboxUploaderTest, ARestartGoesOnWhereTheLastEnded) {
  objects_.SetFault([](const std::string& operation, const std::string&) {
    return operation == "put" ? absl::UnavailableError("down") : absl::OkStatus();
  });
  for (int i = 0; i < 20; ++i) PutBlob(std::to_string(i));
  Start(5);
  EXPECT_FALSE(uploader_->Drain().ok());
  objects_.SetFault({});
  Start(5);
  ASSERT_OK(DrainOnceHealed());
  for (int i = 0; i < 20; ++i) ExpectInBucket(std::to_string(i));
}

TEST_F(OutboxUploaderTest, WhatTheBucketHasIsNotSentAgain) {
  PutBlob("a");
  Start();
  ASSERT_OK(uploader_->Drain());
  outbox_.Add(Outbox::Kind::kBlob, "", DigestOf("a"));
  ASSERT_OK(uploader_->Drain());
  EXPECT_THAT(objects_.Keys("v1/packs/"), SizeIs(1));
}

}  // namespace
}  // namespace smelt
