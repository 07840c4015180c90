// Every operation with each of its calls to the file system failing in turn: nothing partial is ever left, nothing
// wrong is ever served, and the same operation succeeds afterwards.

#include <functional>

#include "src/store/local/local_store_fixture.h"

namespace smelt {
namespace {

using testing::IsEmpty;

class LocalStoreFaultsTest : public LocalStoreFixture {
 protected:
  // Runs `operation` with the nth call of each kind failing, for every n, each time after `prepare`; after each,
  // `check` is told whether it succeeded. Removing is exempt: what cannot be removed stays.
  void FailEachCall(const std::function<void()>& prepare, const std::function<absl::Status()>& operation,
                    const std::function<void(bool succeeded)>& check) {
    for (Call call : {Call::kStat, Call::kOpenForRead, Call::kReadFile, Call::kWriteNewFile, Call::kCopyToNewFile,
                      Call::kRename, Call::kSetMode, Call::kMakeDirectories}) {
      for (int nth = 0;; ++nth) {
        ASSERT_OK(store_->Collect(false, 0));
        prepare();
        files_.ResetCounts();
        files_.Inject({.call = call, .skip = nth, .times = 1});
        const absl::Status status = operation();
        files_.Heal();
        if (files_.Count(call) <= nth) break;
        SCOPED_TRACE("call of kind " + std::to_string(static_cast<int>(call)) + ", number " + std::to_string(nth));
        if (!status.ok()) {
          EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
        }
        EXPECT_THAT(Staging(), IsEmpty());
        EXPECT_THAT(List(target_), testing::Each(testing::Not(testing::StartsWith(".smelt"))));
        check(status.ok());
        EXPECT_OK(operation());
        check(true);
        ++failures_;
      }
    }
  }

  // The blob is right or absent; not absent if it was acknowledged.
  void CheckBlob(const std::string& contents, bool acknowledged) {
    const auto got = Get(DigestOf(contents));
    if (acknowledged || got.ok()) {
      EXPECT_THAT(got, IsOkAndHolds(contents));
    } else {
      EXPECT_THAT(got, StatusIs(absl::StatusCode::kNotFound));
    }
  }

  const std::string large_ = Contents(kLarge);
  int failures_ = 0;
};

TEST_F(LocalStoreFaultsTest, PutFromMemory) {
  FailEachCall([] {}, [this] { return store_->blobs().Put(DigestOf(large_), Bytes(large_)); },
               [this](bool succeeded) { CheckBlob(large_, succeeded); });
  EXPECT_GE(failures_, 4);
}

TEST_F(LocalStoreFaultsTest, PutFromAFile) {
  const std::string path = Write("in", large_);
  FailEachCall(
      [] {},
      [&] { return store_->blobs().Put(DigestOf(large_), Bytes(*FileSystem::System().OpenForRead(path), kLarge)); },
      [this](bool succeeded) { CheckBlob(large_, succeeded); });
  EXPECT_GE(failures_, 5);
}

TEST_F(LocalStoreFaultsTest, Ingest) {
  for (const std::string& contents : {large_, Contents(kSmall)}) {
    FailEachCall([&] { Write("out", contents); }, [&] { return store_->outputs().Ingest(Target("out")).status(); },
                 [&](bool succeeded) {
                   EXPECT_EQ(Read(Target("out")), contents);
                   CheckBlob(contents, succeeded);
                 });
  }
  EXPECT_GE(failures_, 8);
}

TEST_F(LocalStoreFaultsTest, Restore) {
  for (const std::string& contents : {large_, Contents(kSmall)}) {
    FailEachCall(
        [&] {
          Put(contents);
          Write("out", "older");
        },
        [&] { return store_->outputs().Restore(DigestOf(contents), Target("out"), 0644); },
        [&](bool succeeded) {
          EXPECT_EQ(Read(Target("out")), succeeded ? contents : "older");
          CheckBlob(contents, true);
        });
  }
  EXPECT_GE(failures_, 5);
}

TEST_F(LocalStoreFaultsTest, AFullDiskIsSaidToBeFull) {
  const Digest digest = Put(large_);
  Write("out", "older");
  for (Call call : {Call::kWriteNewFile, Call::kCopyToNewFile}) files_.Inject({.call = call});
  const std::string other = Contents(kLarge, 2);
  EXPECT_THAT(store_->blobs().Put(DigestOf(other), Bytes(other)), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(store_->outputs().Ingest(Write("in", other)), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(store_->outputs().Restore(digest, Target("out"), 0644), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(Read(Target("out")), "older");
  EXPECT_THAT(Get(digest), IsOkAndHolds(large_));
  files_.Heal();
  EXPECT_OK(store_->blobs().Put(DigestOf(other), Bytes(other)));
}

TEST_F(LocalStoreFaultsTest, ABlobThatCannotBeLookedAtIsNeitherMissingNorDropped) {
  const Digest digest = Put(large_);
  files_.Inject({.call = Call::kStat, .path_contains = "blobs/", .status = absl::PermissionDeniedError("no")});
  EXPECT_THAT(store_->blobs().FindMissing({digest}), StatusIs(absl::StatusCode::kPermissionDenied));
  files_.Heal();
  EXPECT_THAT(Get(digest), IsOkAndHolds(large_));
}

}  // namespace
}  // namespace smelt
