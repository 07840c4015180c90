#include "src/services/zstd/zstd_forms.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "src/base/file_system.h"
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
  EXPECT_THAT(reader->Next(5'000).status(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(forms_.Find(Blob(1)).has_value());
  forms_.Keep(Blob(1), Bytes(Form(1, 10'000)));
  EXPECT_EQ(Read(Blob(1)), Form(1, 10'000));
}

TEST_F(ZstdFormsTest, WhatArrivesIsForThoseWhoVerifyUntilItIsConfirmed) {
  const std::string form = Form(1, 10'000);
  ZstdForms::Arrival arrival(forms_, Blob(1));
  arrival.Begin(10'000);
  EXPECT_OK(arrival.Add("what came over a connection that was lost"));
  arrival.Begin(10'000);
  EXPECT_OK(arrival.Add(form.substr(0, 4'000)));
  arrival.Keep();
  EXPECT_FALSE(forms_.FindAny(Blob(1))) << "it has not come whole";
  EXPECT_OK(arrival.Add(form.substr(4'000)));
  arrival.Keep();
  EXPECT_THAT(forms_.FindAny(Blob(1))->Next(10'000), IsOkAndHolds(form));
  EXPECT_FALSE(forms_.Find(Blob(1)));
  forms_.Confirm(Blob(1), DigestOf(form));
  EXPECT_EQ(Read(Blob(1)), form);
  ASSERT_TRUE(Damage(directory_.path(), 17'000));  // the first attempt's place is not used again
  EXPECT_THAT(forms_.FindAny(Blob(1))->Next(10'000), IsOk()) << "its reader finds out";
  EXPECT_THAT(forms_.Find(Blob(1))->Next(10'000), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(forms_.FindAny(Blob(1)));
}

TEST_F(ZstdFormsTest, WhatIsNotWantedOrLongerThanItSaidDoesNotArrive) {
  ZstdForms::Arrival unwanted(forms_, Blob(1, ZstdForms::kBlobBytesMin - 1)), longer(forms_, Blob(2));
  unwanted.Begin(100);
  EXPECT_THAT(unwanted.Add("x"), StatusIs(absl::StatusCode::kResourceExhausted));
  longer.Begin(5);
  EXPECT_OK(longer.Add("12345"));
  EXPECT_THAT(longer.Add("6"), StatusIs(absl::StatusCode::kResourceExhausted));
  for (ZstdForms::Arrival* arrival : {&unwanted, &longer}) arrival->Keep();
  EXPECT_FALSE(forms_.FindAny(Blob(1)));
  EXPECT_THAT(forms_.FindAny(Blob(2))->Next(10), IsOkAndHolds("12345"));
}

TEST_F(ZstdFormsTest, OneMakerForEachBlobAndFewTogether) {
  auto first = forms_.BeginToMake(Blob(0));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(forms_.BeginToMake(Blob(0)), nullptr);
  std::vector<std::unique_ptr<ZstdForms::Maker>> others;
  for (int number = 1; forms_.BeginToMake(Blob(number)) != nullptr; ++number) {
    others.push_back(forms_.BeginToMake(Blob(number)));
    ASSERT_LT(others.size(), 100u);
  }
  EXPECT_GE(others.size(), 4u);
  first.reset();
  EXPECT_NE(forms_.BeginToMake(Blob(0)), nullptr);
  forms_.Keep(Blob(0), Bytes(Form(0, 10'000)));
  EXPECT_EQ(forms_.BeginToMake(Blob(0)), nullptr) << "it is kept";
}

TEST_F(ZstdFormsTest, ADiskWithLittleRoomHasNone) {
  const auto space = std::filesystem::space(directory_.path());
  ZstdForms none(directory_.path(), kBytesMax, static_cast<std::int64_t>(space.capacity));
  none.Keep(Blob(1), Bytes(Form(1, 10'000)));
  EXPECT_FALSE(none.Find(Blob(1)).has_value());
  EXPECT_EQ(none.BeginToMake(Blob(1)), nullptr);
}

TEST_F(ZstdFormsTest, WhatCannotBeWrittenTakesAllWithIt) {
  forms_.Keep(Blob(1), Bytes(Form(1, 10'000)));
  rlimit old = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit little = {.rlim_cur = 15'000, .rlim_max = old.rlim_max};
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
  forms_.Keep(Blob(2), Bytes(Form(2, 10'000)));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  signal(SIGXFSZ, handler);
  EXPECT_FALSE(forms_.Find(Blob(1)).has_value());
  EXPECT_FALSE(forms_.Find(Blob(2)).has_value());
  forms_.Keep(Blob(2), Bytes(Form(2, 10'000)));
  EXPECT_EQ(Read(Blob(2)), Form(2, 10'000));
}

// Another start of the server.
class Restarted {
 public:
  explicit Restarted(const std::string& directory, std::int64_t bytes_max = kBytesMax) : forms_(directory, bytes_max) {
    forms_.LoadFrom(directory + "/saved");
  }
  ZstdForms& operator*() { return forms_; }
  ZstdForms* operator->() { return &forms_; }

  absl::StatusOr<std::string> Read(const Digest& blob) {
    auto reader = forms_.Find(blob);
    return reader ? reader->Next(1 << 20) : absl::NotFoundError("");
  }

 private:
  ZstdForms forms_;
};

constexpr auto kNotFound = absl::StatusCode::kNotFound;

TEST_F(ZstdFormsTest, AreThereAfterAnyNumberOfRestarts) {
  const std::string saved = directory_.path() + "/saved";
  forms_.Keep(Blob(0), Bytes(Form(0, 10'000)));
  EXPECT_OK(forms_.SaveTo(saved));
  for (int start = 1; start < 4; ++start) {
    Restarted forms(directory_.path());
    for (int number = 0; number < start; ++number) {
      EXPECT_THAT(forms.Read(Blob(number)), IsOkAndHolds(Form(number, 10'000))) << start << " " << number;
    }
    forms->Keep(Blob(start), Bytes(Form(start, 10'000)));
    EXPECT_OK(forms->SaveTo(saved));
  }
  const auto files = FileSystem::System().List(saved);
  ASSERT_OK(files);
  EXPECT_EQ(files->size(), 2u) << "one file of frames goes on being filled, and the index";
}

TEST_F(ZstdFormsTest, AreGoneAfterACrashAndLeaveNothing) {
  const std::string saved = directory_.path() + "/saved";
  forms_.Keep(Blob(1), Bytes(Form(1, 10'000)));
  EXPECT_OK(forms_.SaveTo(saved));
  {
    Restarted crashing(directory_.path());  // has taken the index
    EXPECT_OK(crashing->SaveTo(saved));     // so that the file stays
    std::filesystem::remove(saved + "/index");
  }
  Restarted forms(directory_.path());
  EXPECT_THAT(forms.Read(Blob(1)), StatusIs(kNotFound));
  EXPECT_THAT(FileSystem::System().List(saved), IsOkAndHolds(testing::IsEmpty()));
}

TEST_F(ZstdFormsTest, WhatWasNotKnownToBeRightIsNotSaved) {
  ZstdForms::Arrival arrival(forms_, Blob(1));
  arrival.Begin(6);
  EXPECT_OK(arrival.Add("frames"));
  arrival.Keep();
  EXPECT_OK(forms_.SaveTo(directory_.path() + "/saved"));
  EXPECT_FALSE(Restarted(directory_.path())->FindAny(Blob(1)));
}

TEST_F(ZstdFormsTest, WhatWasDamagedMeanwhileIsForgottenAsEver) {
  const std::string saved = directory_.path() + "/saved";
  for (const int number : {1, 2}) forms_.Keep(Blob(number), Bytes(Form(number, 10'000)));
  EXPECT_OK(forms_.SaveTo(saved));
  for (const auto& entry : std::filesystem::directory_iterator(saved)) {
    if (entry.path().filename() != "index") std::filesystem::resize_file(entry.path(), 13'000);
  }
  Restarted forms(directory_.path());
  EXPECT_THAT(forms.Read(Blob(1)), IsOkAndHolds(Form(1, 10'000)));
  EXPECT_THAT(forms.Read(Blob(2)), StatusIs(kNotFound));
}

TEST_F(ZstdFormsTest, ALowerLimitTakesNoLargerFile) {
  forms_.Keep(Blob(1), Bytes(Form(1, 500'000)));
  EXPECT_OK(forms_.SaveTo(directory_.path() + "/saved"));
  EXPECT_THAT(Restarted(directory_.path(), kBytesMax / 4).Read(Blob(1)), StatusIs(kNotFound));
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
