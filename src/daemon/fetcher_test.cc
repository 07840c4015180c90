#include "src/daemon/fetcher.h"

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "src/daemon/testing/memory_shared_cache.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/testing/archive.h"
#include "src/testing/fake_clock.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

Shape ShapeOf(const std::string& file) {
  Shape shape;
  shape.add_files(file);
  return shape;
}

Manifest ManifestOf(const std::vector<std::string>& files) {
  Manifest manifest;
  for (const std::string& file : files) *manifest.add_shapes() = ShapeOf(file);
  return manifest;
}

std::vector<std::string> FilesOf(const Manifest& manifest) {
  std::vector<std::string> files;
  for (const Shape& shape : manifest.shapes()) files.push_back(shape.files(0));
  return files;
}

class FetcherTest : public testing::Test {
 protected:
  // The team has a result of `action` with these blobs.
  void TeamHas(const Digest& action, const std::vector<std::string>& blobs) {
    ActionCache::ActionResult result;
    for (const std::string& blob : blobs) {
      *result.add_output_files()->mutable_digest() = reapi::ToProto(DigestOf(blob));
      ASSERT_OK(shared_.memory_blobs.MemoryBlobStore::Put(DigestOf(blob), Bytes(blob)));
    }
    ASSERT_OK(shared_.memory_actions.MemoryActionCache::Put(action, result));
  }

  MemorySharedCache shared_;
  MemoryBlobStore blobs_;
  MemoryActionCache actions_;
  MemoryTable table_;
  Counters counters_{table_};
  FakeClock clock_{1'000'000'000'000};
  Fetcher fetcher_{shared_, blobs_, actions_, counters_, clock_};
  const Digest action_ = DigestOf("action");
};

TEST_F(FetcherTest, AResultIsHereOnceAllItsBlobsAre) {
  TeamHas(action_, {"one", "two"});
  ASSERT_OK(fetcher_.FetchResult(action_));
  EXPECT_OK(blobs_.Get(DigestOf("one")));
  EXPECT_OK(blobs_.Get(DigestOf("two")));
  EXPECT_OK(actions_.Get(action_));
  EXPECT_TRUE(fetcher_.TakeFetched(action_));
  EXPECT_FALSE(fetcher_.TakeFetched(action_));
}

TEST_F(FetcherTest, ABlobThatIsHereDoesNotTravel) {
  TeamHas(action_, {"one", "two"});
  ASSERT_OK(blobs_.Put(DigestOf("one"), Bytes("one")));
  ASSERT_OK(fetcher_.FetchResult(action_));
  EXPECT_EQ(shared_.memory_blobs.gets, 1);
}

TEST_F(FetcherTest, AResultWithoutABlobIsNone) {
  TeamHas(action_, {"one", "two"});
  shared_.memory_blobs.Forget(DigestOf("two"));
  EXPECT_THAT(fetcher_.FetchResult(action_), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(actions_.Get(action_).ok());
  EXPECT_FALSE(fetcher_.TakeFetched(action_));
}

TEST_F(FetcherTest, AnRlibThatIsNotWhatItsPartsMakeIsNotKept) {
  const std::string metadata(10'000, 'm'), rlib = Archive({{"lib.rmeta/", metadata}});
  ActionCache::ActionResult result;
  MemoryBlobStore theirs;
  for (const auto& [path, contents] : {std::pair("liba.rlib", rlib), std::pair("liba.rmeta", metadata)}) {
    auto& file = *result.add_output_files();
    file.set_path(path);
    *file.mutable_digest() = reapi::ToProto(DigestOf(contents));
    ASSERT_OK(theirs.Put(DigestOf(contents), Bytes(contents)));
  }
  auto team = ToTeam(result, theirs);
  ASSERT_OK(team);
  ASSERT_EQ(team->splices.size(), 1u);
  const std::string wrong(static_cast<std::size_t>(team->splices[0].rest.size), 'x');
  *team->result.mutable_output_files(0)->mutable_digest() = reapi::ToProto(DigestOf(wrong));
  ASSERT_OK(shared_.memory_blobs.MemoryBlobStore::Put(DigestOf(wrong), Bytes(wrong)));
  ASSERT_OK(shared_.memory_blobs.MemoryBlobStore::Put(DigestOf(metadata), Bytes(metadata)));
  ASSERT_OK(shared_.memory_actions.MemoryActionCache::Put(action_, team->result));
  EXPECT_FALSE(fetcher_.FetchResult(action_).ok());
  EXPECT_FALSE(blobs_.Get(DigestOf(rlib)).ok());
  EXPECT_FALSE(actions_.Get(action_).ok());
}

TEST_F(FetcherTest, WhatIsAbsentIsAskedForAgainAfterAWhile) {
  EXPECT_THAT(fetcher_.FetchResult(action_), StatusIs(absl::StatusCode::kNotFound));
  TeamHas(action_, {"one"});
  EXPECT_THAT(fetcher_.FetchResult(action_), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(shared_.memory_actions.gets, 1);
  clock_.AdvanceNanos(Fetcher::kAbsentNanos);
  EXPECT_OK(fetcher_.FetchResult(action_));
}

TEST_F(FetcherTest, AnUnreachableTeamIsNotTakenForAnAbsentResult) {
  shared_.down = absl::UnavailableError("no route");
  EXPECT_THAT(fetcher_.FetchResult(action_), StatusIs(absl::StatusCode::kUnavailable));
  shared_.down = absl::OkStatus();
  TeamHas(action_, {"one"});
  EXPECT_OK(fetcher_.FetchResult(action_));
}

TEST_F(FetcherTest, WhoAsksForWhatIsOnItsWayJoins) {
  TeamHas(action_, {"one"});
  absl::Notification begun, go_on;
  shared_.before_get = [&] {
    begun.Notify();
    go_on.WaitForNotification();
  };
  std::thread first([&] { EXPECT_OK(fetcher_.FetchResult(action_)); });
  begun.WaitForNotification();
  std::thread second([&] { EXPECT_OK(fetcher_.FetchResult(action_)); });
  go_on.Notify();
  first.join();
  second.join();
  EXPECT_EQ(shared_.memory_actions.gets, 1);
  EXPECT_EQ(shared_.memory_blobs.gets, 1);
}

TEST_F(FetcherTest, WhatIsFetchedAheadWaitsForRoomAndWhatIsAskedForDoesNot) {
  TeamHas(DigestOf("ahead 1"), {std::string(Fetcher::kAheadBytes, 'a')});
  TeamHas(DigestOf("ahead 2"), {std::string(Fetcher::kAheadBytes, 'b')});
  TeamHas(DigestOf("now"), {"small"});
  absl::Notification both, go_on;
  std::atomic<int> begun = 0;
  shared_.before_get = [&] {
    if (++begun == 2) both.Notify();
    go_on.WaitForNotification();
  };
  std::vector<std::thread> threads;
  const std::atomic<bool> stopping = false;
  threads.emplace_back([&] { fetcher_.FetchAhead({DigestOf("ahead 1"), DigestOf("ahead 2")}, stopping); });
  threads.emplace_back([&] { EXPECT_OK(fetcher_.FetchResult(DigestOf("now"))); });
  both.WaitForNotification();  // one of those ahead, and the one that is asked for
  EXPECT_EQ(shared_.memory_blobs.gets, 2);
  go_on.Notify();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(shared_.memory_blobs.gets, 3);
}

TEST_F(FetcherTest, ManifestsAreMergedOursFirst) {
  const Digest key = DigestOf("k0");
  ASSERT_OK(actions_.Put(key, EntryOf(ManifestOf({"a", "b"}))));
  ASSERT_OK(shared_.memory_actions.MemoryActionCache::Put(key, EntryOf(ManifestOf({"b", "c"}))));
  auto merged = fetcher_.FetchManifest(key);
  ASSERT_TRUE(merged.has_value());
  EXPECT_EQ(FilesOf(*merged), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(FilesOf(ManifestIn(*actions_.Get(key))), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_FALSE(fetcher_.FetchManifest(key).has_value()) << "nothing new";
}

TEST(Merge, KeepsToTheLimit) {
  EXPECT_EQ(FilesOf(Merge(ManifestOf({"a", "b"}), ManifestOf({"c", "d"}), 3)),
            (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(ManifestIn({}).shapes_size(), 0);
}

}  // namespace
}  // namespace smelt
