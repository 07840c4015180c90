// kill -9 between any two steps: a child does everything that a store can do, with one kill point armed; then the store
// is opened again and must hold all that was acknowledged, serve nothing wrong, and go on as if nothing had been.

#include <functional>

#include "src/store/local/local_store_fixture.h"
#include "src/testing/crash.h"

namespace smelt {
namespace {

std::string Contents(std::int64_t size, char fill) { return std::string(static_cast<std::size_t>(size), fill); }

const std::string& Small() {
  static const auto* contents = new std::string(Contents(1'000, 's'));
  return *contents;
}
const std::string& Put() {
  static const auto* contents = new std::string(Contents(100'000, 'p'));
  return *contents;
}
const std::string& Arrived() {
  static const auto* contents = new std::string(Contents(100'002, 'r'));
  return *contents;
}
const std::string& Copied() {
  static const auto* contents = new std::string(Contents(100'001, 'c'));
  return *contents;
}

absl::StatusOr<std::unique_ptr<LocalStore>> OpenIn(const std::string& directory) {
  // Spares as on a roomy disk without reflinks, wherever this runs.
  return LocalStore::Open(
      {.directory = directory + "/store",
       .spare_limits = {.disk_free_bytes_min = 0, .disk_free_share_min = 0, .despite_reflinks = true},
       .hand_over = true},
      FileSystem::System(), Clock::System());
}

absl::Status RestoreTwice(LocalStore& store, const std::string& contents, const std::string& path) {
  absl::Status status = store.outputs().Restore(DigestOf(contents), path, 0644);
  if (status.ok()) status = store.outputs().Restore(DigestOf(contents), path, 0644);
  return status;
}

// What the child does; what the parent does again afterwards.
void DoEverything(LocalStore& store, const std::string& directory, const std::function<void(char)>& acknowledge) {
  FileSystem& files = FileSystem::System();
  ASSERT_OK(store.blobs().Put(DigestOf(Small()), Bytes(Small())));
  acknowledge('s');
  ASSERT_OK(store.blobs().Put(DigestOf(Put()), Bytes(Put())));
  acknowledge('p');
  ASSERT_OK(files.Remove(directory + "/copied"));
  ASSERT_OK(files.WriteNewFile(directory + "/copied", Copied(), 0644));
  ASSERT_OK(store.outputs().Ingest(directory + "/copied"));
  acknowledge('c');
  ActionCache::ActionResult result;
  result.set_stdout_raw("as it was");
  result.add_output_files()->mutable_digest()->set_hash(DigestOf(Small()).Hex());
  result.mutable_output_files(0)->mutable_digest()->set_size_bytes(DigestOf(Small()).size);
  ASSERT_OK(store.actions().Put(DigestOf("action"), result));
  acknowledge('a');
  ASSERT_OK(RestoreTwice(store, Small(), directory + "/restored-small"));
  acknowledge('P');  // its first Restore takes the blob's file, and until there is another it may be lost
  ASSERT_OK(RestoreTwice(store, Put(), directory + "/restored-put"));
  acknowledge('q');
  store.MakeSparesForTest();
  ASSERT_OK(RestoreTwice(store, Put(), directory + "/restored-put"));
  ASSERT_OK(RestoreTwice(store, Copied(), directory + "/restored-copied"));
  store.MakeSparesForTest();
  ASSERT_OK(store.blobs().Put(DigestOf(Arrived()), Bytes(Arrived())));
  ASSERT_OK(store.outputs().Restore(DigestOf(Arrived()), directory + "/restored-arrived", 0644));
  store.MakeSparesForTest();
  acknowledge('r');
  acknowledge('x');  // from here on blobs may go
  ASSERT_OK(store.Collect(false, 0));
}

TEST(LocalStoreCrashChild, Run) {
  const char* directory = CrashChildDirectory();
  if (directory == nullptr) GTEST_SKIP() << "only for the other tests";
  auto store = OpenIn(directory);
  ASSERT_OK(store);
  Acknowledgements acknowledgements(directory);
  DoEverything(**store, directory, [&](char step) { acknowledgements.Add(step); });
}

class LocalStoreCrashTest : public testing::TestWithParam<std::string> {
 protected:
  void CheckBlob(const std::string& contents, bool must_be_there, std::int64_t& bytes) {
    const auto got = store_->blobs().Get(DigestOf(contents));
    if (must_be_there) {
      ASSERT_OK(got);
    }
    if (got.ok()) {
      EXPECT_EQ(*got->ReadAll(), contents);
      bytes += got->size();
    } else {
      EXPECT_THAT(got, StatusIs(absl::StatusCode::kNotFound));
    }
  }

  void CheckRestored(const std::string& name, const std::string& contents) {
    const auto restored = FileSystem::System().ReadFile(dir_ / name);
    if (restored.ok()) {
      EXPECT_EQ(*restored, contents);
    } else {
      EXPECT_THAT(restored, StatusIs(absl::StatusCode::kNotFound));
    }
  }

  void CheckInvariants() {
    const Acknowledgements acknowledged(dir_.path());
    const bool collecting = acknowledged.Has('x');
    EXPECT_THAT(StagedIn(dir_ / "store"), testing::IsEmpty());
    std::int64_t bytes = 0;
    CheckBlob(Small(), acknowledged.Has('s') && !collecting, bytes);
    const bool handed_over = acknowledged.Has('P') && !acknowledged.Has('q');
    CheckBlob(Put(), acknowledged.Has('p') && !handed_over && !collecting, bytes);
    CheckBlob(Arrived(), acknowledged.Has('r') && !collecting, bytes);
    CheckBlob(Copied(), acknowledged.Has('c') && !collecting, bytes);
    EXPECT_EQ(store_->Usage().bytes, bytes);
    EXPECT_EQ(store_->Usage().corrupt_blobs, 0);
    const auto result = store_->actions().Get(DigestOf("action"));
    if (acknowledged.Has('a') && !collecting) {
      EXPECT_OK(result);
    }
    EXPECT_EQ(result.ok() ? result->stdout_raw() : "as it was", "as it was");
    CheckRestored("restored-small", Small());
    CheckRestored("restored-put", Put());
    CheckRestored("restored-arrived", Arrived());
    CheckRestored("restored-copied", Copied());
  }

  TempDir dir_;
  std::unique_ptr<LocalStore> store_;
};

TEST_P(LocalStoreCrashTest, LosesNothingThatWasAcknowledged) {
  ASSERT_NO_FATAL_FAILURE(RunUntilKilled("LocalStoreCrashChild.Run", dir_.path(), GetParam()));
  auto opened = OpenIn(dir_.path());
  ASSERT_OK(opened);
  store_ = *std::move(opened);
  CheckInvariants();
  DoEverything(*store_, dir_.path(), [](char) {});
  EXPECT_EQ(store_->Usage().bytes, 0);
}

INSTANTIATE_TEST_SUITE_P(EveryKillPoint, LocalStoreCrashTest, testing::ValuesIn(EveryKillPointTwice()),
                         NameOfKillPoint);

TEST(LocalStoreKillPoints, CoverEveryOperation) {
  EXPECT_THAT(KilledOperations(),
              testing::IsSupersetOf({"store.put", "store.put_inline", "store.commit", "store.ingest", "store.restore",
                                     "store.spare", "store.loan", "store.release", "store.handover", "store.action",
                                     "store.collect", "store.drop"}));
}

}  // namespace
}  // namespace smelt
