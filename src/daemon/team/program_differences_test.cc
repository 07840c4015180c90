#include "src/daemon/team/program_differences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/store/memory/memory_blob_store.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using ActionResult = ActionCache::ActionResult;
using testing::ElementsAre;
using testing::IsEmpty;

std::string Noise(std::size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string noise(bytes, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  return noise;
}

class ProgramDifferencesTest : public testing::Test {
 protected:
  ActionResult With(const std::string& path, const std::string& contents, bool executable = true) {
    ActionResult result;
    auto& file = *result.add_output_files();
    file.set_path(path);
    file.set_is_executable(executable);
    *file.mutable_digest() = reapi::ToProto(DigestOf(contents));
    EXPECT_OK(blobs_.Put(DigestOf(contents), Bytes(contents)));
    return result;
  }

  std::vector<Difference> Take(ActionResult& result) {
    auto differences = TakeDifferences(result, blobs_, references_, directory_.path());
    EXPECT_OK(differences);
    return differences.ok() ? *differences : std::vector<Difference>();
  }

  const std::string std_ = Noise(1 << 20, 1), first_ = "first" + std_, second_ = "second" + std_ + Noise(1'000, 2);
  TempDir directory_;
  MemoryBlobStore blobs_;
  MemoryTable table_;
  ProgramReferences references_{table_};
};

TEST_F(ProgramDifferencesTest, TheSecondTravelsAsADifferenceAndComesBack) {
  ActionResult first = With("debug/build/a-1/build_script_build-1", first_);
  EXPECT_THAT(Take(first), IsEmpty());
  const ActionResult local = With("debug/build/b-2/build_script_build-2", second_);
  ActionResult team = local;
  const std::vector<Difference> differences = Take(team);
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0].whole, DigestOf(second_));
  EXPECT_EQ(differences[0].reference, DigestOf(first_));
  EXPECT_LT(differences[0].frame.size, 2'000);
  ASSERT_EQ(team.output_files_size(), 2);
  EXPECT_EQ(team.output_files(0).path(), "debug/build/b-2/build_script_build-2.difference");
  EXPECT_EQ(team.output_files(0).digest().hash(), differences[0].frame.Hex());
  EXPECT_EQ(team.output_files(1).path(), "debug/build/b-2/build_script_build-2.difference-from");
  EXPECT_EQ(team.output_files(1).digest().hash(), DigestOf(first_).Hex());

  MemoryTable their_table;
  ProgramReferences theirs(their_table);
  const auto back = ReadDifferences(team, theirs);
  ASSERT_OK(back);
  ASSERT_EQ(back->size(), 1u);
  EXPECT_EQ(team.SerializeAsString(), local.SerializeAsString());
  EXPECT_THAT(theirs.For("build_script_build-3"), ElementsAre(DigestOf(first_)));
  const auto whole = ApplyDifference(back->front(), Bytes(first_), differences[0].bytes, directory_.path());
  ASSERT_OK(whole);
  EXPECT_TRUE(*whole->ReadAll() == second_);
  EXPECT_EQ(whole->known_digest(), DigestOf(second_));
}

TEST_F(ProgramDifferencesTest, WhatHasLittleInCommonTravelsWholeAndIsAReferenceItself) {
  ActionResult first = With("deps/app-1", first_), other = With("deps/tool-1", Noise(1 << 20, 5));
  EXPECT_THAT(Take(first), IsEmpty());
  EXPECT_THAT(Take(other), IsEmpty());
  EXPECT_EQ(other.output_files(0).path(), "deps/tool-1");
  EXPECT_THAT(references_.For("deps/tool-2"), ElementsAre(DigestOf(Noise(1 << 20, 5)), DigestOf(first_)));
}

TEST_F(ProgramDifferencesTest, OnlyProgramsOfSomeSizeAreCompared) {
  ActionResult first = With("deps/app-1", first_);
  Take(first);
  ActionResult rlib = With("deps/liba-1.rlib", second_, /*executable=*/false);
  ActionResult small = With("deps/app-2", std_.substr(0, kProgramBytesMin - 1));
  ActionResult library = With("deps/liba-1.so", second_);
  EXPECT_THAT(Take(rlib), IsEmpty());
  EXPECT_THAT(Take(small), IsEmpty());
  EXPECT_THAT(Take(library), IsEmpty()) << "another kind";
}

TEST_F(ProgramDifferencesTest, TheReferenceItselfTravelsWhole) {
  ActionResult first = With("deps/app-1", first_);
  Take(first);
  ActionResult again = With("deps/app-1", first_);
  EXPECT_THAT(Take(again), IsEmpty());
  EXPECT_EQ(again.output_files_size(), 1);
}

TEST_F(ProgramDifferencesTest, AReferenceThatIsGoneIsNone) {
  references_.Note("deps/app-1", DigestOf(first_));
  ActionResult second = With("deps/app-2", second_);
  EXPECT_THAT(Take(second), IsEmpty());
  EXPECT_EQ(references_.For("deps/app-3").front(), DigestOf(second_));
}

TEST_F(ProgramDifferencesTest, WhatIsNotHereCannotGo) {
  references_.Note("deps/app-1", DigestOf(first_));
  ASSERT_OK(blobs_.Put(DigestOf(first_), Bytes(first_)));
  ActionResult second = With("deps/app-2", second_);
  blobs_.Forget(DigestOf(second_));
  EXPECT_THAT(TakeDifferences(second, blobs_, references_, directory_.path()), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ProgramDifferencesTest, OfOneNameFirstThenTheNewestOfItsKind) {
  const Digest script = DigestOf(first_), app = DigestOf(second_), tool = DigestOf(std_);
  references_.Note("a/build_script_build-1", script);
  references_.Note("deps/app-1", app);
  references_.Note("deps/tool-1", tool);
  EXPECT_THAT(references_.For("b/build_script_build-2"), ElementsAre(script, tool, app));
  EXPECT_THAT(references_.For("deps/new-1"), ElementsAre(tool, app));
  EXPECT_THAT(references_.For("deps/libnew-1.so"), IsEmpty());
  references_.Note("deps/small-1", DigestOf("small"));
  EXPECT_THAT(references_.For("deps/small-2"), ElementsAre(tool, app));
}

TEST_F(ProgramDifferencesTest, TheNextDaemonComparesWithTheSame) {
  const Digest script = DigestOf(first_), app = DigestOf(second_), tool = DigestOf(std_);
  references_.Note("a/build_script_build-1", script);
  references_.Note("deps/app-1", app);
  references_.Note("deps/tool-1", tool);
  ProgramReferences next(table_);
  EXPECT_THAT(next.For("b/build_script_build-2"), ElementsAre(script, tool, app));
  EXPECT_THAT(next.For("deps/new-1"), ElementsAre(tool, app));
}

TEST_F(ProgramDifferencesTest, WhatTheTableHoldsInAReferencesPlaceIsNone) {
  const std::string good = DigestOf(first_).ToString();
  for (const std::string& value : {std::string(), std::string(" "), std::string("x"), good + "x",
                                   DigestOf("small").ToString(), "x " + DigestOf("small").ToString()}) {
    ASSERT_OK(table_.Put("name app", value));
    EXPECT_THAT(ProgramReferences(table_).For("deps/app-1"), IsEmpty()) << value;
  }
  ASSERT_OK(table_.Put("name app", "x " + good));
  EXPECT_THAT(ProgramReferences(table_).For("deps/app-1"), ElementsAre(DigestOf(first_)));
}

TEST_F(ProgramDifferencesTest, AReferenceThatIsNotWhatItShouldBeIsNone) {
  ActionResult first = With("deps/app-1", first_), second = With("deps/app-2", second_);
  Take(first);
  std::string flipped = first_;
  flipped[flipped.size() / 2] ^= 1;
  blobs_.CorruptForTest(DigestOf(first_), Bytes(flipped));
  EXPECT_THAT(Take(second), IsEmpty()) << "nobody else could make the program of it";
  EXPECT_EQ(second.output_files(0).digest().hash(), DigestOf(second_).Hex());
}

TEST_F(ProgramDifferencesTest, PropertiesThatSayNothingSensibleAreRefused) {
  ActionResult first = With("deps/app-1", first_), good = With("deps/app-2", second_);
  Take(first);
  ASSERT_EQ(Take(good).size(), 1u);
  struct Case {
    int property;
    std::string value;
  };
  const std::string hash = DigestOf(first_).Hex();
  for (const Case& each : std::vector<Case>{{0, ""},
                                            {0, "x"},
                                            {1, ""},
                                            {0, hash + "/1"},
                                            {1, hash + "/1"},
                                            {0, hash + "/999999999999"},
                                            {1, hash + "/999999999999"},
                                            {1, hash + "/-5"},
                                            {1, hash + "/262144x"}}) {
    ActionResult bad = good;
    bad.mutable_output_files(0)->mutable_node_properties()->mutable_properties(each.property)->set_value(each.value);
    EXPECT_THAT(ReadDifferences(bad, references_), StatusIs(absl::StatusCode::kInvalidArgument)) << each.value;
  }
  ActionResult larger = good;
  larger.mutable_output_files(0)->mutable_digest()->set_size_bytes(static_cast<std::int64_t>(second_.size()) + 1);
  EXPECT_THAT(ReadDifferences(larger, references_), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace smelt
