#ifndef SMELT_STORE_LOCAL_LOCAL_STORE_FIXTURE_H_
#define SMELT_STORE_LOCAL_LOCAL_STORE_FIXTURE_H_

#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/local/local_store.h"
#include "src/testing/fake_clock.h"
#include "src/testing/faulty_file_system.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {

// The files in the staging area of the store in `directory`.
inline std::vector<std::string> StagedIn(const std::string& directory) {
  std::vector<std::string> staged;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory + "/staging")) {
    if (!entry.is_directory()) staged.push_back(entry.path());
  }
  return staged;
}

// A store in a directory of its own, on a clock that stands a minute ahead of the machine's, so that no file looks as
// if it had just been changed; and a second directory, as cargo's target directory.
class LocalStoreFixture : public testing::Test {
 protected:
  using Call = FaultyFileSystem::Call;

  static constexpr std::int64_t kLarge = 100'000;  // bytes; a file
  static constexpr std::int64_t kSmall = 1'000;    // bytes; inside the database

  LocalStoreFixture() : clock_(Clock::System().NowNanos() + 60'000'000'000) {
    EXPECT_OK(FileSystem::System().MakeDirectories(target_, 0755));
    Open();
  }

  void Open() {
    store_.reset();
    auto opened = LocalStore::Open(options_, files_, clock_);
    ASSERT_OK(opened);
    store_ = *std::move(opened);
  }

  // As Open, after the machine was started again: another boot id.
  void OpenAfterReboot() {
    store_.reset();
    clock_.AdvanceSeconds(100);
    files_.Inject({.path_contains = "boot_id", .status = absl::NotFoundError("injected")});
    Open();
    files_.Heal();
  }

  static std::string Contents(std::int64_t size, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::string contents(static_cast<std::size_t>(size), '\0');
    for (char& c : contents) c = static_cast<char>(random());
    return contents;
  }

  std::string Target(std::string_view name) const { return target_ + "/" + std::string(name); }

  // Writes a file into the target directory.
  std::string Write(std::string_view name, std::string_view contents) {
    EXPECT_OK(FileSystem::System().Remove(Target(name)));
    EXPECT_OK(FileSystem::System().WriteNewFile(Target(name), contents, 0644));
    return Target(name);
  }

  Digest Put(const std::string& contents) {
    EXPECT_OK(store_->blobs().Put(DigestOf(contents), Bytes(contents)));
    return DigestOf(contents);
  }

  absl::StatusOr<std::string> Get(const Digest& digest) {
    const auto bytes = store_->blobs().Get(digest);
    if (!bytes.ok()) return bytes.status();
    return bytes->ReadAll();
  }

  bool Has(const Digest& digest) {
    const auto missing = store_->blobs().FindMissing({digest});
    EXPECT_OK(missing);
    return missing->empty();
  }

  std::string BlobPath(const Digest& digest) const {
    return options_.directory + "/blobs/" + digest.Hex().substr(0, 2) + "/" + digest.Hex();
  }

  static FileStat StatOf(const std::string& path) {
    const auto stat = FileSystem::System().Stat(path);
    EXPECT_OK(stat);
    return stat.value_or(FileStat());
  }

  static std::string Read(const std::string& path) {
    const auto contents = FileSystem::System().ReadFile(path);
    EXPECT_OK(contents);
    return contents.value_or("");
  }

  static std::vector<std::string> List(const std::string& path) {
    return FileSystem::System().List(path).value_or(std::vector<std::string>{"cannot list " + path});
  }

  std::vector<std::string> Staging() const { return StagedIn(options_.directory); }

  TempDir dir_;
  const std::string target_ = dir_ / "target";
  LocalStoreOptions options_ = {.directory = dir_ / "store", .spares = false};
  FakeClock clock_;
  FaultyFileSystem files_;
  std::unique_ptr<LocalStore> store_;
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_LOCAL_STORE_FIXTURE_H_
