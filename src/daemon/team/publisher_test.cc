#include "src/daemon/team/publisher.h"

#include <optional>
#include <random>

#include "gmock/gmock.h"
#include "src/daemon/team/fetcher.h"
#include "src/daemon/testing/memory_shared_cache.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/testing/archive.h"
#include "src/testing/fake_clock.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using std::chrono::milliseconds;

class PublisherTest : public testing::Test {
 protected:
  void Start() { publisher_.emplace(shared_, blobs_, actions_, outbox_, published_, references_, counters_, clock_); }

  // This machine has compiled `action` under `manifest`.
  void Learn(const Digest& action, const Digest& manifest, const std::string& blob, const std::string& shape) {
    Store(action, manifest, blob, shape);
    publisher_->AddResult(action, manifest);
  }

  void Store(const Digest& action, const Digest& manifest, const std::string& blob, const std::string& shape) {
    ActionCache::ActionResult result;
    *result.add_output_files()->mutable_digest() = reapi::ToProto(DigestOf(blob));
    ASSERT_OK(blobs_.Put(DigestOf(blob), Bytes(blob)));
    ASSERT_OK(actions_.Put(action, result));
    Manifest shapes;
    shapes.add_shapes()->add_files(shape);
    ASSERT_OK(actions_.Put(manifest, EntryOf(shapes)));
  }

  absl::Status Flush(int ms = 10'000) {
    return publisher_->Flush(milliseconds(ms), [](const Publisher::Backlog&) { return true; });
  }

  MemorySharedCache shared_;
  MemoryBlobStore blobs_;
  MemoryActionCache actions_;
  MemoryTable outbox_, published_, table_;
  FakeClock clock_{1'000'000'000'000};
  Counters counters_{table_};
  ProgramReferences references_{table_};
  std::optional<Publisher> publisher_;
  const Digest action_ = DigestOf("action"), manifest_ = DigestOf("k0");
};

TEST_F(PublisherTest, BlobsResultAndManifestReachTheTeam) {
  Start();
  Learn(action_, manifest_, "blob", "src/lib.rs");
  ASSERT_OK(Flush());
  EXPECT_OK(shared_.memory_blobs.Get(DigestOf("blob")));
  EXPECT_OK(shared_.memory_actions.Get(action_));
  auto manifest = shared_.memory_actions.Get(manifest_);
  ASSERT_OK(manifest);
  EXPECT_EQ(ManifestIn(*manifest).shapes(0).files(0), "src/lib.rs");
  EXPECT_TRUE(outbox_.Entries().empty());
  EXPECT_EQ(publisher_->Pending().entries, 0);
}

TEST_F(PublisherTest, ALibrarysMetadataTravelsOnce) {
  const std::string metadata(10'000, 'm'), objects(20'000, 'o');
  const std::string rlib = Archive({{"lib.rmeta/", metadata}, {"a.o/", objects}});
  ActionCache::ActionResult result;
  for (const auto& [path, contents] : {std::pair("liba.rlib", rlib), std::pair("liba.rmeta", metadata)}) {
    auto& file = *result.add_output_files();
    file.set_path(path);
    *file.mutable_digest() = reapi::ToProto(DigestOf(contents));
    ASSERT_OK(blobs_.Put(DigestOf(contents), Bytes(contents)));
  }
  ASSERT_OK(actions_.Put(action_, result));
  Start();
  publisher_->AddResult(action_, manifest_);
  ASSERT_OK(Flush());
  EXPECT_OK(shared_.memory_blobs.Get(DigestOf(metadata)));
  EXPECT_FALSE(shared_.memory_blobs.Get(DigestOf(rlib)).ok());

  MemoryBlobStore their_blobs;
  MemoryActionCache their_actions;
  MemoryTable their_table;
  ProgramReferences their_references(their_table);
  Fetcher fetcher(shared_, their_blobs, their_actions, their_references, counters_, clock_);
  const auto fetched = fetcher.FetchResult(action_);
  ASSERT_OK(fetched);
  EXPECT_EQ(fetched->SerializeAsString(), result.SerializeAsString());
  EXPECT_EQ(their_actions.Get(action_)->SerializeAsString(), result.SerializeAsString());
  EXPECT_EQ(*their_blobs.Get(DigestOf(rlib))->ReadAll(), rlib);
  EXPECT_EQ(*their_blobs.Get(DigestOf(metadata))->ReadAll(), metadata);
}

TEST_F(PublisherTest, AProgramThatWasEditedTravelsAsADifference) {
  std::string program(2 << 20, '\0');
  std::mt19937 random(1);
  for (char& byte : program) byte = static_cast<char>(random());
  Start();
  std::vector<Digest> actions, programs;
  for (const char* edit : {"first", "second"}) {
    program.replace(1'000'000, 10, edit);
    ActionCache::ActionResult result;
    auto& file = *result.add_output_files();
    file.set_path("target/debug/deps/app-0123456789abcdef");
    file.set_is_executable(true);
    programs.push_back(DigestOf(program));
    actions.push_back(DigestOf(edit));
    *file.mutable_digest() = reapi::ToProto(programs.back());
    ASSERT_OK(blobs_.Put(programs.back(), Bytes(program)));
    ASSERT_OK(actions_.Put(actions.back(), result));
    publisher_->AddResult(actions.back(), manifest_);
    ASSERT_OK(Flush());
  }
  EXPECT_OK(shared_.memory_blobs.Get(programs[0]));
  EXPECT_FALSE(shared_.memory_blobs.Get(programs[1]).ok());
  const auto theirs = shared_.memory_actions.Get(actions[1]);
  ASSERT_OK(theirs);
  ASSERT_EQ(theirs->output_files_size(), 2);
  const Digest difference = *reapi::FromProto(theirs->output_files(0).digest());
  EXPECT_OK(shared_.memory_blobs.Get(difference));
  EXPECT_LT(difference.size, 10'000);
  EXPECT_EQ(*reapi::FromProto(theirs->output_files(1).digest()), programs[0]) << "so that a server keeps it";
}

TEST_F(PublisherTest, WhatTheTeamHasDoesNotTravelAgain) {
  Start();
  Learn(action_, manifest_, "blob", "src/lib.rs");
  ASSERT_OK(Flush());
  const int puts = shared_.memory_actions.puts;
  Learn(DigestOf("another"), manifest_, "blob", "src/lib.rs");
  ASSERT_OK(Flush());
  EXPECT_EQ(shared_.memory_blobs.puts, 1);
  EXPECT_EQ(shared_.memory_actions.puts, puts + 1) << "the result, not the manifest, which has not changed";
}

TEST_F(PublisherTest, TheTeamsShapesStay) {
  Manifest theirs;
  theirs.add_shapes()->add_files("theirs.rs");
  ASSERT_OK(shared_.memory_actions.Put(manifest_, EntryOf(theirs)));
  Start();
  Learn(action_, manifest_, "blob", "ours.rs");
  ASSERT_OK(Flush());
  const Manifest merged = ManifestIn(*shared_.memory_actions.Get(manifest_));
  ASSERT_EQ(merged.shapes_size(), 2);
  EXPECT_EQ(merged.shapes(0).files(0), "ours.rs");
  EXPECT_EQ(merged.shapes(1).files(0), "theirs.rs");
}

TEST_F(PublisherTest, WhatIsTooLargeForATeamHoldsNothingUp) {
  Start();
  const Digest wordy = DigestOf("wordy");
  ActionCache::ActionResult result;
  result.set_stdout_raw(std::string(4'000'001, 'w'));
  ASSERT_OK(actions_.Put(wordy, result));
  publisher_->AddResult(wordy, DigestOf("k1"));
  Learn(action_, manifest_, "blob", std::string(4'000'001, 's'));
  ASSERT_OK(Flush());
  EXPECT_OK(shared_.memory_actions.Get(action_));
  EXPECT_FALSE(shared_.memory_actions.Get(wordy).ok());
  EXPECT_FALSE(shared_.memory_actions.Get(manifest_).ok());
}

TEST_F(PublisherTest, OfLargeShapesTheOwnOnesReachTheTeam) {
  Manifest theirs;
  theirs.add_shapes()->add_files(std::string(2'500'000, 't'));
  ASSERT_OK(shared_.memory_actions.Put(manifest_, EntryOf(theirs)));
  Start();
  Learn(action_, manifest_, "blob", std::string(2'500'000, 'o'));
  ASSERT_OK(Flush());
  const Manifest merged = ManifestIn(*shared_.memory_actions.Get(manifest_));
  ASSERT_EQ(merged.shapes_size(), 1);
  EXPECT_EQ(merged.shapes(0).files(0).front(), 'o');
}

TEST_F(PublisherTest, WithoutATeamItWaitsAndOutlivesTheDaemon) {
  shared_.down = absl::UnavailableError("no route");
  Start();
  Learn(action_, manifest_, "blob", "src/lib.rs");
  EXPECT_THAT(Flush(50), StatusIs(absl::StatusCode::kDeadlineExceeded, testing::HasSubstr("1 results have not been")));
  publisher_.reset();
  EXPECT_EQ(outbox_.Entries().size(), 1u);
  shared_.down = absl::OkStatus();
  Start();
  ASSERT_OK(Flush());
  EXPECT_OK(shared_.memory_actions.Get(action_));
}

TEST_F(PublisherTest, WhereWeMayOnlyReadItGivesUpAndSaysSo) {
  shared_.writable = false;
  Start();
  Learn(action_, manifest_, "blob", "src/lib.rs");
  EXPECT_THAT(Flush(), StatusIs(absl::StatusCode::kPermissionDenied, testing::HasSubstr("only read")));
  EXPECT_EQ(shared_.memory_blobs.puts, 0);
  EXPECT_TRUE(outbox_.Entries().empty());
  publisher_->AddResult(action_, manifest_);
  EXPECT_EQ(publisher_->Pending().entries, 0);
}

TEST_F(PublisherTest, OnceWeMayWriteAgainItTriesAgain) {
  shared_.writable = false;
  Start();
  Learn(action_, manifest_, "blob", "src/lib.rs");
  ASSERT_THAT(Flush(), StatusIs(absl::StatusCode::kPermissionDenied));
  shared_.writable = true;
  clock_.AdvanceNanos(Publisher::kReadOnlyNanos);
  publisher_->AddResult(action_, manifest_);
  ASSERT_OK(Flush());
  EXPECT_OK(shared_.memory_actions.Get(action_));
}

// Credentials have expired, the bucket is another: nothing is forgotten, and nobody waits for what does not come.
TEST_F(PublisherTest, WhatSomebodyHasToMendIsToldAtOnceAndKept) {
  for (const auto code : {absl::StatusCode::kUnauthenticated, absl::StatusCode::kUnimplemented}) {
    shared_.down = absl::Status(code, "mend it");
    Start();
    Learn(action_, manifest_, "blob", "src/lib.rs");
    EXPECT_THAT(Flush(600'000), StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("mend it")));
    EXPECT_EQ(publisher_->Pending().entries, 1);
    shared_.down = absl::OkStatus();
    ASSERT_OK(Flush());
    EXPECT_OK(shared_.memory_actions.Get(action_));
  }
}

TEST_F(PublisherTest, AHitThatTheTeamLacksReachesIt) {
  Start();
  Store(action_, manifest_, "blob", "src/lib.rs");
  publisher_->NoteHit(action_, manifest_, /*from_team=*/false);
  ASSERT_OK(Flush());
  EXPECT_OK(shared_.memory_blobs.Get(DigestOf("blob")));
  EXPECT_OK(shared_.memory_actions.Get(action_));
  EXPECT_EQ(ManifestIn(*shared_.memory_actions.Get(manifest_)).shapes(0).files(0), "src/lib.rs");
}

TEST_F(PublisherTest, AHitThatTheTeamHasIsLookedForOnceAWeek) {
  Start();
  Learn(action_, manifest_, "blob", "src/lib.rs");
  ASSERT_OK(Flush());
  const Digest theirs = DigestOf("fetched");
  const int gets = shared_.memory_actions.gets, puts = shared_.memory_actions.puts;
  for (int run = 0; run < 3; ++run) {
    Start();
    publisher_->NoteHit(action_, manifest_, false);
    publisher_->NoteHit(theirs, manifest_, run == 0);
    ASSERT_OK(Flush());
  }
  EXPECT_EQ(shared_.memory_actions.gets, gets) << "known by what this machine did";
  clock_.AdvanceNanos(Publisher::kBelievedNanos);
  Start();
  publisher_->NoteHit(action_, manifest_, false);
  publisher_->NoteHit(action_, manifest_, false);
  ASSERT_OK(Flush());
  EXPECT_EQ(shared_.memory_actions.gets, gets + 1);
  EXPECT_EQ(shared_.memory_actions.puts, puts);
}

TEST_F(PublisherTest, WhatOneTeamHasAnotherIsAskedFor) {
  Start();
  Learn(action_, manifest_, "blob", "src/lib.rs");
  ASSERT_OK(Flush());
  const int gets = shared_.memory_actions.gets;
  shared_.where = "another";
  Start();
  publisher_->NoteHit(action_, manifest_, false);
  ASSERT_OK(Flush());
  EXPECT_EQ(shared_.memory_actions.gets, gets + 1);
}

TEST_F(PublisherTest, AnEntryThatIsUsedAsItWasReachesATeamThatHasNone) {
  Manifest shapes;
  shapes.add_shapes()->add_files("ours");
  ASSERT_OK(actions_.Put(manifest_, EntryOf(shapes)));
  Start();
  publisher_->NoteEntry(manifest_);
  ASSERT_OK(Flush());
  EXPECT_OK(shared_.memory_actions.Get(manifest_));

  publisher_.reset();
  Start();
  const int gets = shared_.memory_actions.gets;
  publisher_->NoteEntry(manifest_);
  ASSERT_OK(Flush());
  EXPECT_EQ(shared_.memory_actions.gets, gets) << "it is known to be there";

  publisher_.reset();
  shared_.where = "another team";
  shapes.add_shapes()->add_files("theirs");
  ASSERT_OK(shared_.memory_actions.Put(manifest_, EntryOf(shapes)));
  Start();
  publisher_->NoteEntry(manifest_);
  ASSERT_OK(Flush());
  EXPECT_EQ(ManifestIn(*shared_.memory_actions.Get(manifest_)).shapes_size(), 2) << "theirs stays";
}

TEST_F(PublisherTest, AMarkOfATimeThatCannotBeIsNotBelieved) {
  Start();
  Learn(action_, manifest_, "blob", "src/lib.rs");
  ASSERT_OK(Flush());
  ASSERT_EQ(published_.Entries().size(), 1u);
  const std::string marker = published_.Entries().begin()->first;
  for (const char* time : {"-9223372036854775808", "-1", "9223372036854775807"}) {
    ASSERT_OK(published_.Put(marker, time));
    publisher_->Prune([] { return false; });
    EXPECT_TRUE(published_.Entries().empty()) << time;
  }
}

TEST_F(PublisherTest, WhatIsKnownOfResultsThatAreGoneIsForgotten) {
  Start();
  Learn(action_, manifest_, "blob", "src/lib.rs");
  publisher_->NoteHit(DigestOf("evicted"), manifest_, true);
  ASSERT_OK(Flush());
  EXPECT_EQ(published_.Entries().size(), 2u);
  publisher_->Prune([] { return false; });
  EXPECT_EQ(published_.Entries().size(), 1u);
  clock_.AdvanceNanos(Publisher::kBelievedNanos);
  publisher_->Prune([] { return false; });
  EXPECT_TRUE(published_.Entries().empty());
}

TEST_F(PublisherTest, WhatHasLeftTheLocalStoreIsForgotten) {
  Start();
  publisher_->AddResult(DigestOf("evicted"), manifest_);
  Learn(action_, manifest_, "blob", "src/lib.rs");
  ASSERT_OK(Flush());
  EXPECT_OK(shared_.memory_actions.Get(action_));
  EXPECT_FALSE(shared_.memory_actions.Get(DigestOf("evicted")).ok());
}

TEST_F(PublisherTest, WhatTheTableHoldsMayBeAnything) {
  ASSERT_OK(outbox_.Put("not a number", "neither a digest"));
  ASSERT_OK(outbox_.Put("00000000000000000007", "x y"));
  Start();
  EXPECT_OK(Flush());
  Learn(action_, manifest_, "blob", "src/lib.rs");
  EXPECT_OK(Flush());
  EXPECT_OK(shared_.memory_actions.Get(action_));
}

}  // namespace
}  // namespace smelt
