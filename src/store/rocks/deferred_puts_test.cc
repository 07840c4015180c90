#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "fmt/format.h"
#include "src/store/rocks/committer.h"
#include "src/store/rocks/rocks_store_fixture.h"

namespace smelt {
namespace {

class DeferredPutsTest : public RocksStoreFixture {
 protected:
  void SetUp() override { Open(); }

  // For the next put.
  DeferredPuts::Done Expect() {
    const std::size_t at = began_++;
    return [this, at](absl::Status status) {
      const std::lock_guard lock(mu_);
      ended_.push_back({at, std::move(status)});
      wake_.notify_all();
    };
  }

  // How each ended, in the order of putting; waits for them.
  std::vector<absl::Status> Wait() {
    std::unique_lock lock(mu_);
    wake_.wait(lock, [this] { return ended_.size() >= began_; });
    std::vector<absl::Status> statuses(began_, absl::UnknownError("never called"));
    EXPECT_EQ(ended_.size(), began_);
    for (auto& [at, status] : ended_) statuses[at] = status;
    return statuses;
  }

  void PutBlob(const std::string& contents, const Digest& digest) {
    store_->deferred_puts().PutBlob(digest, Bytes(contents), Expect());
  }

 private:
  std::size_t began_ = 0;
  std::mutex mu_;
  std::condition_variable wake_;
  std::vector<std::pair<std::size_t, absl::Status>> ended_;  // guarded by mu_
};

TEST_F(DeferredPutsTest, ManyBlobsSomeOfThemTwice) {
  std::vector<std::string> blobs;
  for (int i = 0; i < 300; ++i) blobs.push_back(fmt::format("{} {}", i % 200, std::string(40 * (i % 200), 'x')));
  for (const std::string& blob : blobs) PutBlob(blob, DigestOf(blob));
  for (const absl::Status& status : Wait()) EXPECT_OK(status);
  EXPECT_EQ(store_->GetUsage().blobs, 200);
  Open();
  for (const std::string& blob : blobs) EXPECT_EQ(*store_->blobs().Get(DigestOf(blob))->ReadAll(), blob);
}

TEST_F(DeferredPutsTest, OneThatIsWrongHarmsNoOther) {
  PutBlob("right", DigestOf("right"));
  PutBlob("wrong", DigestOf("other"));
  PutBlob("short", DigestOf("longer"));
  PutBlob("", DigestOf(""));
  const auto statuses = Wait();
  EXPECT_OK(statuses[0]);
  EXPECT_THAT(statuses[1], StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(statuses[2], StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(statuses[3]);
  EXPECT_EQ(store_->GetUsage().blobs, 1);
}

// A batch claims each key once, and must not wait for itself.
TEST_F(DeferredPutsTest, TheSameBlobsInAnyOrder) {
  std::vector<std::string> blobs;
  for (int i = 0; i < 20; ++i) blobs.push_back(fmt::format("blob {}", i));
  for (int round = 0; round < 50; ++round) {
    for (std::size_t i = 0; i < blobs.size(); ++i) {
      const std::string& blob = blobs[(round % 2 == 0 ? i : blobs.size() - 1 - i)];
      PutBlob(blob, DigestOf(blob));
    }
  }
  for (const absl::Status& status : Wait()) EXPECT_OK(status);
  EXPECT_EQ(store_->GetUsage().blobs, 20);
}

TEST_F(DeferredPutsTest, TheLastResultStays) {
  for (int i = 0; i < 50; ++i) {
    ActionCache::ActionResult result;
    result.set_exit_code(i);
    store_->deferred_puts().PutResult("main", DigestOf("action"), result, Expect());
    for (const absl::Status& status : Wait()) EXPECT_OK(status);
  }
  EXPECT_EQ(store_->actions().Of("main")->Get(DigestOf("action"))->exit_code(), 49);
  EXPECT_THAT(store_->actions().Of("other")->Get(DigestOf("action")), StatusIs(absl::StatusCode::kNotFound));
}

// A large blob makes the committer look at the disk, where it is held while the others come. It is alone in its batch.
TEST_F(DeferredPutsTest, WhoComesWhenTooManyWaitIsRefused) {
  options_.blob_bytes_max = 8 << 20;
  Open();
  const auto released = std::make_shared<absl::Notification>();
  files_.OnCall([released](FaultyFileSystem::Call call, const std::string&) {
    if (call == FaultyFileSystem::Call::kFreeBytes) released->WaitForNotification();
  });
  const std::string large = Contents(4 << 20);
  PutBlob(large, DigestOf(large));
  for (std::size_t i = 0; i <= Committer::kWaitingMax; ++i) {
    const std::string blob = fmt::format("blob {}", i);
    PutBlob(blob, DigestOf(blob));
  }
  released->Notify();
  std::vector<absl::Status> statuses = Wait();
  EXPECT_THAT(statuses.back(), StatusIs(absl::StatusCode::kUnavailable, testing::HasSubstr("too much to write")));
  statuses.resize(Committer::kWaitingMax);  // the one between waited only if the large one did no longer
  for (const absl::Status& status : statuses) ASSERT_OK(status);
  const std::string last = fmt::format("blob {}", Committer::kWaitingMax);
  EXPECT_FALSE(Has(DigestOf(last)));
  PutBlob(last, DigestOf(last));
  EXPECT_OK(Wait().back());
  EXPECT_TRUE(Has(DigestOf(last)));
}

}  // namespace
}  // namespace smelt
