// kill -9 between any two steps: a child does everything that the store can do, with one kill point armed; then the
// store is opened again and must hold all that was acknowledged, serve nothing wrong, and go on as if nothing had been.

#include <fcntl.h>
#include <unistd.h>

#include <functional>

#include "src/store/rocks/rocks_store_fixture.h"
#include "src/testing/crash.h"

namespace smelt {
namespace {

struct Blob {
  char step;
  std::int64_t size;
  bool unnamed;  // put as an unnamed file of the staging area
};
constexpr Blob kBlobs[] = {{'t', 1'000, false}, {'b', 10'000, false}, {'f', 100'000, false}, {'u', 100'001, true}};

std::string ContentsOf(const Blob& blob) { return std::string(static_cast<std::size_t>(blob.size), blob.step); }

absl::StatusOr<std::unique_ptr<RocksStore>> OpenIn(const std::string& directory, Clock& clock) {
  return RocksStore::Open({.directory = directory + "/store",
                           .free_bytes_min = 0,
                           .lsm_bytes_max = 4'096,
                           .blob_bytes_max = 65'536,
                           .outbox = true},
                          FileSystem::System(), clock);
}

Bytes Unnamed(const RocksStore& store, const std::string& contents) {
  UniqueFd fd(::open(store.staging_directory().c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  EXPECT_EQ(::write(fd.get(), contents.data(), contents.size()), static_cast<ssize_t>(contents.size()));
  return Bytes(std::move(fd), static_cast<std::int64_t>(contents.size()));
}

void ConfirmAll(RocksStore& store) {
  const auto entries = store.outbox()->Next(0, 100);
  ASSERT_OK(entries);
  for (const Outbox::Entry& entry : *entries) ASSERT_OK(store.outbox()->Confirm({entry.sequence}));
}

std::string PathOf(const std::string& directory, const Digest& digest) {
  return directory + "/store/files/" + digest.Hex().substr(0, 2) + "/" + digest.Hex();
}

// What the child does; what the parent does again afterwards.
void DoEverything(RocksStore& store, FakeClock& clock, const std::string& directory,
                  const std::function<void(char)>& acknowledge) {
  for (const Blob& blob : kBlobs) {
    const std::string contents = ContentsOf(blob);
    ASSERT_OK(store.blobs().Put(DigestOf(contents), blob.unnamed ? Unnamed(store, contents) : Bytes(contents)));
    acknowledge(blob.step);
  }
  ActionCache::ActionResult result;
  result.set_stdout_raw("as it was");
  ASSERT_OK(store.actions().Of("main")->Put(DigestOf("action"), result));
  acknowledge('a');
  ConfirmAll(store);
  acknowledge('x');  // from here on blobs may go
  const Digest lost = DigestOf(ContentsOf(kBlobs[2]));
  ASSERT_OK(FileSystem::System().Remove(PathOf(directory, lost)));
  EXPECT_THAT(store.blobs().Get(lost), StatusIs(absl::StatusCode::kDataLoss));
  clock.AdvanceSeconds(100 * 3600);
  ASSERT_OK(store.Collect(false, 0));
}

TEST(RocksStoreCrashChild, Run) {
  const char* directory = CrashChildDirectory();
  if (directory == nullptr) GTEST_SKIP() << "only for the other tests";
  FakeClock clock;
  auto store = OpenIn(directory, clock);
  ASSERT_OK(store);
  Acknowledgements acknowledgements(directory);
  DoEverything(**store, clock, directory, [&](char step) { acknowledgements.Add(step); });
}

class RocksStoreCrashTest : public testing::TestWithParam<std::string> {
 protected:
  void CheckInvariants() {
    const Acknowledgements acknowledged(dir_.path());
    const bool may_be_gone = acknowledged.Has('x');
    std::int64_t bytes = 0;
    for (const Blob& blob : kBlobs) {
      const std::string contents = ContentsOf(blob);
      const bool found = store_->blobs().FindMissing({DigestOf(contents)})->empty();
      EXPECT_TRUE(found || may_be_gone || !acknowledged.Has(blob.step)) << blob.step;
      if (!found) continue;
      const auto got = store_->blobs().Get(DigestOf(contents));
      ASSERT_OK(got);
      EXPECT_EQ(*got->ReadAll(), contents);
      bytes += blob.size;
    }
    const auto result = store_->actions().Of("main")->Get(DigestOf("action"));
    if (result.ok()) bytes += static_cast<std::int64_t>(result->ByteSizeLong());
    EXPECT_TRUE(result.ok() || may_be_gone || !acknowledged.Has('a'));
    EXPECT_EQ(result.ok() ? result->stdout_raw() : "as it was", "as it was");
    EXPECT_EQ(store_->GetUsage().bytes, bytes);
    EXPECT_EQ(store_->GetUsage().corrupt_blobs, 0);
    EXPECT_TRUE(FileSystem::System().List(store_->staging_directory())->empty());
    CheckOutbox();
  }

  // Whatever is here and not confirmed is named.
  void CheckOutbox() {
    if (Acknowledgements(dir_.path()).Has('x')) return;
    ASSERT_OK_AND_ASSIGN(const auto entries, store_->outbox()->Next(0, 100));
    const bool confirming = Acknowledgements(dir_.path()).Has('a');
    if (!confirming) {
      EXPECT_EQ(static_cast<std::int64_t>(entries.size()), store_->GetUsage().blobs + store_->GetUsage().actions);
    }
    EXPECT_EQ(store_->outbox()->Pending().entries, static_cast<std::int64_t>(entries.size()));
  }

  TempDir dir_;
  FakeClock clock_;
  std::unique_ptr<RocksStore> store_;
};

TEST_P(RocksStoreCrashTest, LosesNothingThatWasAcknowledged) {
  ASSERT_NO_FATAL_FAILURE(RunUntilKilled("RocksStoreCrashChild.Run", dir_.path(), GetParam()));
  auto opened = OpenIn(dir_.path(), clock_);
  ASSERT_OK(opened);
  store_ = *std::move(opened);
  CheckInvariants();
  DoEverything(*store_, clock_, dir_.path(), [](char) {});
  EXPECT_EQ(store_->GetUsage().bytes, 0);
}

INSTANTIATE_TEST_SUITE_P(EveryKillPoint, RocksStoreCrashTest, testing::ValuesIn(EveryKillPointTwice()),
                         NameOfKillPoint);

TEST(RocksStoreKillPoints, CoverEveryOperation) {
  EXPECT_THAT(KilledOperations(),
              testing::IsSupersetOf({"rocks.put", "rocks.stage", "rocks.commit", "rocks.action", "rocks.confirm",
                                     "rocks.drop", "rocks.collect", "rocks.evict"}));
}

}  // namespace
}  // namespace smelt
