#include "src/daemon/closure_evaluator.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/testing/fake_clock.h"
#include "src/testing/faulty_file_system.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(Environment, FindsVariablesAndTellsUnsetFromEmpty) {
  const Environment environment({"B=2", "A=", "C=x=y"});
  EXPECT_EQ(*environment.Find("B"), "2");
  EXPECT_EQ(*environment.Find("A"), "");
  EXPECT_EQ(*environment.Find("C"), "x=y");
  EXPECT_EQ(environment.Find("D"), nullptr);
  EXPECT_EQ(environment.Find(""), nullptr);
  EXPECT_EQ(environment.ValueOr("D", "none"), "none");
}

TEST(Environment, OfTwoTheFirstIsFoundAsByGetenv) {
  EXPECT_EQ(*Environment({"A=first", "A=second"}).Find("A"), "first");
}

TEST(Environment, WhatIsNoVariableIsNone) {
  const Environment environment({"", "=", "=X", "NOTHING", "=ODD=1", "A=1"});
  EXPECT_THAT(environment.all(), UnorderedElementsAre(Pair("=ODD", "1"), Pair("A", "1")));
}

TEST(Environment, MayBeHuge) {
  std::vector<std::string> block;
  for (int i = 0; i < 20'000; ++i) block.push_back("V" + std::to_string(i) + "=" + std::string(100, 'x'));
  const Environment environment(block);
  EXPECT_EQ(environment.Find("V19999")->size(), 100u);
}

class ClosureEvaluatorTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& contents) {
    const std::string path = dir_ / name;
    fs::create_directories(fs::path(path).parent_path());
    fs::remove(path);
    std::ofstream(path, std::ios::binary) << contents;
    return "/smelt/workspace/" + name;
  }

  std::optional<Evaluation> Evaluate(const Shape& shape, const Before* before = nullptr) {
    const Environment environment(variables_);
    ClosureEvaluator evaluator(files_, digests_, paths_, directory_, environment);
    auto evaluation = evaluator.Evaluate(shape, before);
    obstacle_ = evaluator.obstacle();
    return evaluation;
  }

  // The state of everything as a run would find it: `files` are known, the others only by the clock.
  Before StateOf(const std::vector<std::string>& files) {
    Before before;
    for (const std::string& name : files) before.stats.emplace(dir_ / name, *files_.Stat(dir_ / name));
    before.start_ns = kLater;
    return before;
  }

  static constexpr std::int64_t kLater = std::int64_t{1} << 62;  // nothing is younger

  TempDir dir_;
  std::string directory_ = dir_.path();
  FaultyFileSystem files_;
  FakeClock clock_;
  MemoryTable table_;
  FileDigests digests_{files_, clock_, table_};
  rustc::PathMap paths_{{{"workspace", dir_.path(), "/smelt/workspace", ""}}};
  std::vector<std::string> variables_;
  std::string obstacle_;
};

TEST_F(ClosureEvaluatorTest, FilesEnterByContentUnderTheirCanonicalNames) {
  Shape shape;
  shape.add_files(Write("src/lib.rs", "lib"));
  auto evaluation = Evaluate(shape);
  ASSERT_TRUE(evaluation);
  EXPECT_THAT(evaluation->closure.files, UnorderedElementsAre(Pair("/smelt/workspace/src/lib.rs", DigestOf("lib"))));
}

TEST_F(ClosureEvaluatorTest, ManyFilesAreReadOnceEachAndGiveWhatFewGive) {
  constexpr int kFiles = 200;
  Shape shape;
  std::map<std::string, Digest> expected;
  for (int i = 0; i < kFiles; ++i) {
    const std::string contents = "contents " + std::to_string(i);
    shape.add_files(Write("src/" + std::to_string(i), contents));
    expected.emplace(shape.files(i), DigestOf(contents));
  }
  clock_.AdvanceSeconds(Clock::System().NowNanos() / 1'000'000'000 +
                        60);  // no file looks as if it had just been changed
  for (int reads : {kFiles, 0}) {
    files_.ResetCounts();
    auto evaluation = Evaluate(shape);
    ASSERT_TRUE(evaluation);
    EXPECT_EQ(evaluation->closure.files, expected);
    EXPECT_EQ(files_.Count(FaultyFileSystem::Call::kOpenForRead), reads);
  }
  fs::remove(dir_ / "src/150");
  EXPECT_FALSE(Evaluate(shape));
  EXPECT_EQ(obstacle_, "missing " + (dir_ / "src/150"));
}

TEST_F(ClosureEvaluatorTest, AFileOfAnotherPackageEntersWithTheNameThatItsDirectoryGets) {
  Shape shape;
  shape.add_files(Write("src/lib.rs", "lib"));
  shape.add_files(Write("vendor/a/part.rs", "part"));
  EXPECT_TRUE(Evaluate(shape)->closure.remaps.empty());
  std::vector<rustc::Root> roots = paths_.roots();
  roots.push_back({"package:a", dir_ / "vendor/a", "", "/cargo/deps/a-1"});
  roots.push_back({"package:b", dir_ / "vendor/b", "", "/cargo/deps/b-1"});
  paths_ = rustc::PathMap(roots);
  EXPECT_THAT(Evaluate(shape)->closure.remaps,
              UnorderedElementsAre(Pair("/smelt/workspace/vendor/a", "/cargo/deps/a-1")));
}

TEST_F(ClosureEvaluatorTest, AFileThatIsMissingOrUnreadableDoesNotFit) {
  Shape shape;
  shape.add_files("/smelt/workspace/absent");
  EXPECT_FALSE(Evaluate(shape));
  EXPECT_EQ(obstacle_, "missing " + (dir_ / "absent"));
  shape.set_files(0, Write("locked", "x"));
  files_.Inject({.call = FaultyFileSystem::Call::kOpenForRead});
  EXPECT_FALSE(Evaluate(shape));
  EXPECT_THAT(obstacle_, HasSubstr(dir_ / "locked"));
}

TEST_F(ClosureEvaluatorTest, ADirectoryInPlaceOfAFileIsAnotherClosure) {
  Shape shape;
  shape.add_files(Write("data", "x"));
  auto as_file = Evaluate(shape);
  fs::remove(dir_ / "data");
  fs::create_directory(dir_ / "data");
  auto as_directory = Evaluate(shape);
  ASSERT_TRUE(as_file && as_directory);
  EXPECT_TRUE(as_directory->closure.files.empty());
  EXPECT_TRUE(as_directory->closure.directories.contains("/smelt/workspace/data"));
}

TEST_F(ClosureEvaluatorTest, APipeIsNoFile) {
  ASSERT_EQ(mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  Shape shape;
  shape.add_files("/smelt/workspace/pipe");
  EXPECT_FALSE(Evaluate(shape));
}

TEST_F(ClosureEvaluatorTest, WhatMustBeAbsentMustNotAppear) {
  Shape shape;
  shape.add_absent("/smelt/workspace/flag");
  auto evaluation = Evaluate(shape);
  ASSERT_TRUE(evaluation);
  EXPECT_TRUE(evaluation->closure.absent.contains("/smelt/workspace/flag"));
  Write("flag", "");
  EXPECT_FALSE(Evaluate(shape));
  EXPECT_EQ(obstacle_, "there is now " + (dir_ / "flag"));
}

TEST_F(ClosureEvaluatorTest, WhatWasFoundEntersFilesByContentAndDirectoriesByName) {
  Shape shape;
  shape.add_existing(Write("file", "x"));
  shape.add_existing("/smelt/workspace/directory");
  EXPECT_FALSE(Evaluate(shape));
  fs::create_directory(dir_ / "directory");
  auto evaluation = Evaluate(shape);
  ASSERT_TRUE(evaluation);
  EXPECT_EQ(evaluation->closure.files.at("/smelt/workspace/file"), DigestOf("x"));
  EXPECT_TRUE(evaluation->closure.directories.contains("/smelt/workspace/directory"));
}

TEST_F(ClosureEvaluatorTest, ListingsAreNamesAndWhatTheyName) {
  Shape shape;
  shape.add_listings("/smelt/workspace/t");
  EXPECT_FALSE(Evaluate(shape));
  auto listing = [&] { return Evaluate(shape)->closure.listings.at("/smelt/workspace/t"); };
  Write("t/a", "1");
  const Digest with_a = listing();
  Write("t/a", "other contents");
  EXPECT_EQ(listing(), with_a);
  Write("t/b", "");
  EXPECT_NE(listing(), with_a);
  fs::remove(dir_ / "t/b");
  EXPECT_EQ(listing(), with_a);
  fs::remove(dir_ / "t/a");
  fs::create_directory(dir_ / "t/a");
  EXPECT_NE(listing(), with_a);
}

TEST_F(ClosureEvaluatorTest, VariablesAreUnsetEmptyOrSet) {
  Shape shape;
  for (const char* name : {"UNSET", "EMPTY", "SET"}) shape.add_variables(name);
  variables_ = {"EMPTY=", "SET=1", "OTHER=2"};
  auto evaluation = Evaluate(shape);
  ASSERT_TRUE(evaluation);
  EXPECT_THAT(evaluation->closure.variables,
              UnorderedElementsAre(Pair("UNSET", std::nullopt), Pair("EMPTY", ""), Pair("SET", "1")));
}

TEST_F(ClosureEvaluatorTest, PathVariablesEnterInCanonicalForm) {
  Shape shape;
  shape.add_path_variables("OUT_DIR");
  shape.add_path_variables("UNSET");
  variables_ = {"OUT_DIR=" + (dir_ / "out")};
  EXPECT_THAT(Evaluate(shape)->closure.variables,
              UnorderedElementsAre(Pair("OUT_DIR", "/smelt/workspace/out"), Pair("UNSET", std::nullopt)));
}

TEST_F(ClosureEvaluatorTest, TheWholeEnvironmentIsAllThatMayEnterAKey) {
  Shape shape;
  shape.set_whole_environment(true);
  variables_ = {"A=1", "PATH=/bin", "CARGO_MAKEFLAGS=-j", "SMELT_VERIFY=1"};
  EXPECT_THAT(Evaluate(shape)->closure.variables, UnorderedElementsAre(Pair("A", "1")));
}

TEST_F(ClosureEvaluatorTest, AVariableGivenTwiceIsNotTheSameAsOnce) {
  Shape shape;
  shape.set_whole_environment(true);
  variables_ = {"A=1", "A=2"};
  const auto twice = Evaluate(shape)->closure.variables;
  variables_ = {"A=1"};
  EXPECT_NE(Evaluate(shape)->closure.variables, twice);
}

TEST_F(ClosureEvaluatorTest, TheWorkingDirectoryEntersIfItWasAskedFor) {
  Shape shape;
  EXPECT_EQ(Evaluate(shape)->closure.working_directory, "");
  shape.set_working_directory(true);
  EXPECT_EQ(Evaluate(shape)->closure.working_directory, dir_.path());
}

class ToolsTest : public ClosureEvaluatorTest {
 protected:
  ToolsTest() {
    Tool("bin2");
    Shape::Tool& tool = *shape_.add_tools();
    tool.set_name("cc");
    tool.set_path("/smelt/workspace/bin2/cc");
    SetPath((dir_ / "bin1") + ":" + (dir_ / "bin2"));
  }
  void Tool(const std::string& directory) {
    Write(directory + "/cc", "");
    fs::permissions(dir_ / (directory + "/cc"), fs::perms(0755));
  }
  void SetPath(const std::string& path) { variables_ = {"PATH=" + path}; }

  Shape shape_;
};

TEST_F(ToolsTest, AreFoundByWayOfPath) {
  auto evaluation = Evaluate(shape_);
  ASSERT_TRUE(evaluation);
  EXPECT_EQ(evaluation->closure.tools.at("cc"), "/smelt/workspace/bin2/cc");
}

TEST_F(ToolsTest, FoundElsewhereOrNowhereDoNotFit) {
  Tool("bin1");
  EXPECT_FALSE(Evaluate(shape_));
  EXPECT_EQ(obstacle_, "cc is now " + (dir_ / "bin1/cc"));
  SetPath(dir_ / "bin2");
  EXPECT_TRUE(Evaluate(shape_));
  SetPath(dir_ / "bin3");
  EXPECT_FALSE(Evaluate(shape_));
  variables_ = {};
  EXPECT_FALSE(Evaluate(shape_));
}

TEST_F(ToolsTest, ThatCannotBeRunAreNotFound) {
  Write("bin1/cc", "");
  EXPECT_TRUE(Evaluate(shape_));
}

TEST_F(ToolsTest, BehindARelativeOrEmptyEntryAreAnybodysGuess) {
  for (const std::string& entry : {std::string(), std::string("."), std::string("bin")}) {
    SetPath(entry + ":" + (dir_ / "bin2"));
    EXPECT_FALSE(Evaluate(shape_)) << entry;
    SetPath((dir_ / "bin2") + ":" + entry);
    EXPECT_TRUE(Evaluate(shape_)) << "it is found before";
  }
}

class ChangesTest : public ClosureEvaluatorTest {
 protected:
  ChangesTest() { shape_.add_files(Write("a", "one")); }

  std::string ChangedSince(const Before& before) {
    auto evaluation = Evaluate(shape_, &before);
    return evaluation ? evaluation->changed_since : "no evaluation: " + obstacle_;
  }

  Shape shape_;
};

TEST_F(ChangesTest, WhatIsAsItWasHasNotChangedHoweverYoungItIs) {
  Before before = StateOf({"a"});
  before.start_ns = 0;
  EXPECT_EQ(ChangedSince(before), "");
}

TEST_F(ChangesTest, WhatIsNotAsItWasHasChangedHoweverOldItLooks) {
  const Before before = StateOf({"a"});
  Write("b", "two, of another age");
  fs::rename(dir_ / "b", dir_ / "a");
  EXPECT_EQ(ChangedSince(before), dir_ / "a");
}

TEST_F(ChangesTest, WhatWasNotLookedAtIsJudgedByTheClock) {
  Before before = StateOf({});
  EXPECT_EQ(ChangedSince(before), "");
  before.start_ns = files_.Stat(dir_ / "a")->ctime_ns;
  EXPECT_EQ(ChangedSince(before), dir_ / "a") << "as young as the start";
  before.start_ns += 1;
  EXPECT_EQ(ChangedSince(before), "");
}

TEST_F(ChangesTest, AnOldMtimeDoesNotHideAYoungCtime) {
  Before before = StateOf({});
  before.start_ns = files_.Stat(dir_ / "a")->ctime_ns;
  fs::last_write_time(dir_ / "a", fs::file_time_type::clock::now() - std::chrono::hours(24 * 365));
  EXPECT_EQ(ChangedSince(before), dir_ / "a");
}

TEST_F(ChangesTest, WhatWePutThereJustBeforeTheStartHasNotChanged) {
  Before before = StateOf({});
  before.start_ns = files_.Stat(dir_ / "a")->mtime_ns;
  EXPECT_EQ(ChangedSince(before), dir_ / "a");
  digests_.Restored(dir_ / "a", DigestOf("one"));
  EXPECT_EQ(ChangedSince(before), "");
  before.start_ns -= FileDigests::kRacyNanos;
  EXPECT_EQ(ChangedSince(before), dir_ / "a") << "that was while the compiler ran";
}

TEST_F(ChangesTest, ALinkToWhatWePutThereIsNoChangeButAnotherFileIs) {
  digests_.Restored(dir_ / "a", DigestOf("one"));
  const Before before = StateOf({"a"});
  fs::create_hard_link(dir_ / "a", dir_ / "linked by cargo");
  EXPECT_EQ(ChangedSince(before), "");
  Write("a", "two");
  digests_.Restored(dir_ / "a", DigestOf("two"));
  EXPECT_EQ(ChangedSince(before), dir_ / "a") << "though we put it there";
}

TEST_F(ChangesTest, ADirectoryThatWasListedMustNotChangeEither) {
  Write("t/a", "");
  shape_.add_listings("/smelt/workspace/t");
  Before before = StateOf({"a"});
  EXPECT_EQ(ChangedSince(before), "");
  before.start_ns = files_.Stat(dir_ / "t")->ctime_ns;
  EXPECT_EQ(ChangedSince(before), dir_ / "t");
}

TEST_F(ChangesTest, APredictionDoesNotAskForChanges) { EXPECT_EQ(Evaluate(shape_)->changed_since, ""); }

TEST_F(ClosureEvaluatorTest, ADirectoryThatDotDotLeadsOutOfMustNotBeALink) {
  Shape shape;
  shape.add_plain_directories("/smelt/workspace/d");
  EXPECT_TRUE(Evaluate(shape)) << "it need not be there";
  fs::create_directory(dir_ / "d");
  EXPECT_TRUE(Evaluate(shape));
  fs::remove(dir_ / "d");
  fs::create_directory_symlink("/", dir_ / "d");
  EXPECT_FALSE(Evaluate(shape));
  EXPECT_THAT(obstacle_, HasSubstr(dir_ / "d"));
}

}  // namespace
}  // namespace smelt
