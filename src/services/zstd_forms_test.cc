#include "src/services/zstd_forms.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

constexpr std::int64_t kBytesMax = 8 << 20;  // so that one of the files holds 1 MiB

// A digest of its own for each number, of a blob of a megabyte.
Digest Blob(int number, std::int64_t size = 1 << 20) {
  Digest digest = DigestOf(std::to_string(number));
  digest.size = size;
  return digest;
}

std::string Form(int number, std::size_t size) {
  std::string form;
  while (form.size() < size) form += std::to_string(number) + " ";
  return form.substr(0, size);
}

// Changes a byte of the one open file of a directory, which has no name.
bool Damage(const std::string& directory, off_t offset) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    if (!std::filesystem::read_symlink(entry.path(), error).string().starts_with(directory)) continue;
    const UniqueFd fd(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC));
    return ::pwrite(fd.get(), "\xff", 1, offset) == 1;
  }
  return false;
}

class ZstdFormsTest : public testing::Test {
 protected:
  // The form of a blob read in pieces; empty if there is none.
  std::string Read(const Digest& blob, std::int64_t piece = 1000) {
    auto reader = forms_.Find(blob);
    std::string form;
    while (reader && reader->left() > 0) {
      const auto next = reader->Next(piece);
      EXPECT_THAT(next, IsOk());
      if (!next.ok()) break;
      form += *next;
    }
    return form;
  }

  TempDir directory_;
  ZstdForms forms_{directory_.path(), kBytesMax};
};

TEST_F(ZstdFormsTest, GivesBackWhatWasKept) {
  forms_.Keep(Blob(1), Bytes(Form(1, 10'000)));
  forms_.Keep(Blob(2), Bytes(Form(2, 20'000)));
  EXPECT_EQ(Read(Blob(1)), Form(1, 10'000));
  EXPECT_EQ(Read(Blob(2), 1 << 20), Form(2, 20'000));
  EXPECT_EQ(Read(Blob(3)), "");
}

TEST_F(ZstdFormsTest, TheFirstFormStays) {
  forms_.Keep(Blob(1), Bytes(Form(1, 10'000)));
  EXPECT_FALSE(forms_.Wants(Blob(1), 5'000));
  forms_.Keep(Blob(1), Bytes(Form(2, 5'000)));
  EXPECT_EQ(Read(Blob(1)), Form(1, 10'000));
}

TEST_F(ZstdFormsTest, KeepsOnlyWhatPays) {
  const struct {
    std::int64_t blob, form;
    bool wanted;
  } cases[] = {
      {ZstdForms::kBlobBytesMin - 1, 100, false},
      {ZstdForms::kBlobBytesMin, 100, true},
      {1'000'000, 900'000, true},
      {1'000'000, 900'001, false},
      {100 << 20, kBytesMax / 8, true},
      {100 << 20, kBytesMax / 8 + 1, false},
  };
  int number = 0;
  for (const auto& each : cases) {
    const Digest blob = Blob(++number, each.blob);
    EXPECT_EQ(forms_.Wants(blob, each.form), each.wanted) << each.blob << " " << each.form;
    forms_.Keep(blob, Bytes(Form(number, static_cast<std::size_t>(each.form))));
    EXPECT_EQ(forms_.Find(blob).has_value(), each.wanted) << each.blob << " " << each.form;
  }
}

TEST_F(ZstdFormsTest, NothingIsKeptWhereNothingMayBe) {
  ZstdForms none(directory_.path(), 0);
  none.Keep(Blob(1), Bytes(Form(1, 100)));
  EXPECT_FALSE(none.Find(Blob(1)).has_value());
}

TEST_F(ZstdFormsTest, TheOldestMakeRoomAndAReaderOfOneReadsOn) {
  constexpr std::size_t kHalf = kBytesMax / 16;
  forms_.Keep(Blob(0), Bytes(Form(0, kHalf)));
  auto reader = forms_.Find(Blob(0));
  ASSERT_TRUE(reader.has_value());
  for (int number = 1; number <= 16; ++number) forms_.Keep(Blob(number), Bytes(Form(number, kHalf)));
  EXPECT_FALSE(forms_.Find(Blob(0)).has_value());
  EXPECT_FALSE(forms_.Find(Blob(1)).has_value());
  for (int number = 2; number <= 16; ++number) EXPECT_EQ(Read(Blob(number)), Form(number, kHalf)) << number;
  const auto all = reader->Next(kHalf);
  ASSERT_THAT(all, IsOk());
  EXPECT_EQ(*all, Form(0, kHalf));
}

TEST_F(ZstdFormsTest, AFormThatHasChangedOnTheDiskIsForgottenBeforeItsEndIsRead) {
  forms_.Keep(Blob(1), Bytes(Form(1, 10'000)));
  auto reader = forms_.Find(Blob(1));
  ASSERT_TRUE(reader.has_value());
  ASSERT_THAT(reader->Next(5'000), IsOk());
  ASSERT_TRUE(Damage(directory_.path(), 7'000));
  EXPECT_THAT(reader->Next(5'000).status(), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_FALSE(forms_.Find(Blob(1)).has_value());
  forms_.Keep(Blob(1), Bytes(Form(1, 10'000)));
  EXPECT_EQ(Read(Blob(1)), Form(1, 10'000));
}

TEST_F(ZstdFormsTest, WithoutADirectoryNothingIsKept) {
  ZstdForms forms(directory_.path() + "/none", kBytesMax);
  forms.Keep(Blob(1), Bytes(Form(1, 10'000)));
  EXPECT_FALSE(forms.Find(Blob(1)).has_value());
}

TEST_F(ZstdFormsTest, ManyThreadsKeepAndRead) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int number = 0; number < 100; ++number) {
        const std::string form = Form(number, 100'000);
        forms_.Keep(Blob(number), Bytes(form));
        const std::string read = Read(Blob(number), 30'000);
        EXPECT_TRUE(read.empty() || read == form) << number;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Read(Blob(99)), Form(99, 100'000));
}

}  // namespace
}  // namespace smelt
