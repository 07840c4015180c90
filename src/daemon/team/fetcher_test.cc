#include "src/daemon/team/fetcher.h"

#include <malloc.h>

#include <atomic>
#include <random>
#include <thread>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "src/base/status_macros.h"
#include "src/daemon/testing/memory_shared_cache.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/store/spool.h"
#include "src/store/zstd_difference.h"
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

  // A program that has most in common with the others.
  static std::string Program(std::size_t number) {
    std::mt19937 random(1);
    std::string program(kProgramBytesMin, '\0');
    for (char& byte : program) byte = static_cast<char>(random());
    return program.replace(number * 100, 8, "program" + std::to_string(number));
  }

  // The team has results with `count` such programs; the actions.
  std::vector<Digest> TeamHasPrograms(std::size_t count) {
    std::vector<Digest> actions;
    EXPECT_OK(shared_.memory_blobs.MemoryBlobStore::Put(DigestOf(Program(0)), Bytes(Program(0))));
    MemoryBlobStore theirs;
    MemoryTable their_table;
    ProgramReferences their_references(their_table);
    for (std::size_t i = 0; i < count; ++i) {
      programs_.push_back(DigestOf(Program(i)));
      actions.push_back(DigestOf("builds program " + std::to_string(i)));
      ActionCache::ActionResult result;
      auto& file = *result.add_output_files();
      file.set_path("target/debug/build/a/build_script_build-" + std::to_string(i));
      file.set_is_executable(true);
      *file.mutable_digest() = reapi::ToProto(programs_[i]);
      EXPECT_OK(theirs.Put(programs_[i], Bytes(Program(i))));
      auto team = ToTeam(result, theirs, their_references, "");
      EXPECT_OK(team);
      for (const Difference& difference : team->differences) {
        EXPECT_OK(shared_.memory_blobs.MemoryBlobStore::Put(difference.frame, difference.bytes));
      }
      EXPECT_OK(shared_.memory_actions.MemoryActionCache::Put(actions[i], team->result));
    }
    return actions;
  }

  // The team has a result of `action` with `program` as its difference from `reference`, which it does not have.
  Digest TeamHasProgram(const Digest& action, const std::string& reference, const std::string& program) {
    MemoryBlobStore theirs;
    MemoryTable their_table;
    ProgramReferences their_references(their_table);
    ActionCache::ActionResult result;
    auto& file = *result.add_output_files();
    file.set_path("app-0123456789abcdef");
    file.set_is_executable(true);
    *file.mutable_digest() = reapi::ToProto(DigestOf(program));
    for (const std::string& blob : {reference, program}) EXPECT_OK(theirs.Put(DigestOf(blob), Bytes(blob)));
    their_references.Note(file.path(), DigestOf(reference));
    const auto team = ToTeam(result, theirs, their_references, "");
    EXPECT_OK(team);
    const Difference& difference = team->differences.at(0);
    EXPECT_OK(shared_.memory_blobs.MemoryBlobStore::Put(difference.frame, difference.bytes));
    EXPECT_OK(shared_.memory_actions.MemoryActionCache::Put(action, team->result));
    return difference.whole;
  }

  std::vector<Digest> programs_;
  MemorySharedCache shared_;
  MemoryBlobStore blobs_;
  MemoryActionCache actions_;
  MemoryTable table_;
  Counters counters_{table_};
  FakeClock clock_{1'000'000'000'000};
  ProgramReferences references_{table_};
  Fetcher fetcher_{shared_, blobs_, actions_, references_, counters_, clock_};
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
  auto team = ToTeam(result, theirs, references_, "");
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

TEST_F(FetcherTest, ProgramsComeAsDifferencesAndTheirReferenceOnce) {
  const std::vector<Digest> actions = TeamHasPrograms(3);
  std::vector<RecordedUnit> units;
  for (const Digest& action : actions) units.push_back({DigestOf("k"), action});
  fetcher_.FetchAhead(units, false);
  EXPECT_EQ(shared_.memory_blobs.gets, 3) << "the first as it is, the others as differences";
  for (const Digest& program : programs_) {
    const auto bytes = blobs_.Get(program);
    ASSERT_OK(bytes);
    EXPECT_EQ(*DigestOf(*bytes), program);
  }
  for (const Digest& action : actions) {
    const auto result = actions_.Get(action);
    ASSERT_OK(result);
    EXPECT_EQ(result->output_files_size(), 1);
  }
}

// Gives files, as stores of large blobs do.
class FileBlobStore : public MemoryBlobStore {
 public:
  absl::StatusOr<Bytes> Get(const Digest& digest) override {
    ASSIGN_OR_RETURN(const Bytes bytes, MemoryBlobStore::Get(digest));
    ASSIGN_OR_RETURN(const std::string contents, bytes.ReadAll());
    Spool spool("", 0);
    RETURN_IF_ERROR(spool.Append(contents));
    return spool.Finish();
  }
};

std::int64_t BytesAllocated() {
  const auto all = ::mallinfo2();
  return static_cast<std::int64_t>(all.uordblks + all.hblkhd);
}

TEST_F(FetcherTest, OfManyReferencesFewAreInMemory) {
  static constexpr int kCount = 8;
  constexpr std::int64_t kBytes = 4 << 20;
  FileBlobStore blobs;
  std::vector<RecordedUnit> units;
  for (int i = 0; i < kCount; ++i) {
    const std::string reference = Program(0) + std::string(kBytes - kProgramBytesMin, static_cast<char>(i));
    units.push_back({DigestOf("k"), DigestOf(std::to_string(i))});
    programs_.push_back(TeamHasProgram(units[i].action, reference, reference.substr(1)));
    ASSERT_OK(blobs.Put(DigestOf(reference), Bytes(reference)));
  }
  absl::Mutex mu;
  int waiting = 0;
  const std::int64_t before = BytesAllocated();
  std::int64_t allocated = 0;
  shared_.before_get = [&] {  // of a difference: its reference has been found
    const absl::MutexLock lock(&mu);
    if (++waiting == kCount) allocated = BytesAllocated() - before;
    mu.Await(absl::Condition(
        +[](int* count) { return *count == kCount; }, &waiting));
  };
  Fetcher fetcher(shared_, blobs, actions_, references_, counters_, clock_);
  fetcher.FetchAhead(units, false);
  EXPECT_LT(allocated, kCount / 2 * kBytes);
  for (const Digest& program : programs_) EXPECT_OK(blobs.Get(program));
}

TEST_F(FetcherTest, AProgramIsFetchedThoughNobodyNeedsItsReference) {
  const std::vector<Digest> actions = TeamHasPrograms(2);
  ASSERT_OK(fetcher_.FetchResult(actions[1]));
  EXPECT_OK(blobs_.Get(programs_[1]));
  EXPECT_EQ(shared_.memory_blobs.gets, 2);
}

TEST_F(FetcherTest, AProgramThatIsNotWhatItsPartsMakeIsAbsent) {
  const std::vector<Digest> actions = TeamHasPrograms(2);
  auto result = *shared_.memory_actions.Get(actions[1]);
  for (const std::string& bad : {std::string("no difference"), ZstdDifference(Program(0), Program(7))}) {
    ASSERT_OK(shared_.memory_blobs.MemoryBlobStore::Put(DigestOf(bad), Bytes(bad)));
    *result.mutable_output_files(0)->mutable_digest() = reapi::ToProto(DigestOf(bad));
    ASSERT_OK(shared_.memory_actions.MemoryActionCache::Put(actions[1], result));
    EXPECT_THAT(fetcher_.FetchResult(actions[1]), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_FALSE(actions_.Get(actions[1]).ok());
    clock_.AdvanceNanos(Fetcher::kAbsentNanos);
  }
}

// Each may be a few bytes that make 64 MiB.
TEST_F(FetcherTest, OnceAPartOfAResultIsWrongTheOthersAreLeft) {
  const std::vector<Digest> actions = TeamHasPrograms(2);
  auto result = *shared_.memory_actions.Get(actions[1]);
  const auto program = result.output_files(0);
  for (int i = 0; i < 200; ++i) {
    auto& file = *result.add_output_files();
    file = program;
    file.mutable_node_properties()->mutable_properties(1)->set_value(
        Digest{DigestOf(std::to_string(i)).hash, kProgramBytesMax}.ToString());
  }
  ASSERT_OK(shared_.memory_actions.MemoryActionCache::Put(actions[1], result));
  EXPECT_THAT(fetcher_.FetchResult(actions[1]), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_LT(shared_.memory_blobs.gets, 100);
}

TEST_F(FetcherTest, WithoutItsReferenceAProgramIsAbsent) {
  const std::vector<Digest> actions = TeamHasPrograms(2);
  shared_.memory_blobs.Forget(programs_[0]);
  EXPECT_THAT(fetcher_.FetchResult(actions[1]), StatusIs(absl::StatusCode::kNotFound));
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
  const std::vector<RecordedUnit> ahead = {{DigestOf("k1"), DigestOf("ahead 1")},
                                           {DigestOf("k2"), DigestOf("ahead 2")}};
  threads.emplace_back([&] { fetcher_.FetchAhead(ahead, stopping); });
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
