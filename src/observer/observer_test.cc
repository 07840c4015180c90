#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/observer/observed_run.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using Kind = ObserverEvent::Kind;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::UnorderedElementsAre;

class ObserverTest : public testing::Test {
 protected:
  ObservedRun Observe(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    arguments.insert(arguments.begin(), Observed());
    ObservedRun run = RunObserved({arguments, dir_.path(), environment}, dir_ / "log");
    EXPECT_EQ(run.exit_code, 0) << run.output;
    return run;
  }

  static std::string Observed() { return PackageFile("observed_program"); }

  void Write(const std::string& name, const std::string& content = "content") { std::ofstream(dir_ / name) << content; }

  // As the program itself says where it is: the test's data are symbolic links.
  static std::string Real(const std::string& path) {
    char* real = realpath(path.c_str(), nullptr);
    std::string result = real == nullptr ? path : real;
    free(real);
    return result;
  }

  // Of the paths of this kind those in the test's directory, as names in it.
  std::vector<std::string> Names(const ObservedRun& run, Kind kind) {
    std::vector<std::string> names;
    for (const std::string& path : run.Paths(kind)) {
      if (path.starts_with(dir_.path() + "/")) names.push_back(path.substr(dir_.path().size() + 1));
    }
    return names;
  }

  TempDir dir_;
};

TEST_F(ObserverTest, DoesNothingWithoutALog) {
  ObservedRun run =
      RunPlainly({{Observed(), "nothing"}, dir_.path(), {"LD_PRELOAD=" + PackageFile("libsmelt_observer.so")}});
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_EQ(run.output, "");
  EXPECT_EQ(access((dir_ / "log").c_str(), F_OK), -1);
}

TEST_F(ObserverTest, AProgramChecksInWithWhatIsLoaded) {
  ObservedRun run = Observe({"nothing"});
  ASSERT_FALSE(run.events.empty());
  EXPECT_EQ(run.events[0].kind, Kind::kProcess);
  EXPECT_EQ(run.events[0].path, Real(Observed()));
  EXPECT_THAT(run.Paths(Kind::kLoaded), Contains(EndsWith("/libc.so.6")));
  EXPECT_THAT(run.Paths(Kind::kLoaded), Not(Contains(EndsWith("libsmelt_observer.so"))));
}

TEST_F(ObserverTest, FilesByHowTheyAreOpened) {
  for (const char* name : {"in.txt", "at.txt", "fopen.txt", "updated.txt"}) Write(name);
  ObservedRun run = Observe({"files"});
  EXPECT_THAT(Names(run, Kind::kRead), ElementsAre("in.txt", "at.txt", "fopen.txt", "updated.txt"));
  EXPECT_THAT(Names(run, Kind::kWrite), ElementsAre("out.txt", "creat.txt", "written.txt", "updated.txt", "new.txt"));
  EXPECT_THAT(Names(run, Kind::kAbsent), ElementsAre("absent.txt", "in.txt/below"));
  EXPECT_THAT(run.Modules(Kind::kRead, dir_ / "in.txt"), ElementsAre("observed_program"));
}

TEST_F(ObserverTest, LookupsByWhatTheyFind) {
  Write("in.txt");
  ObservedRun run = Observe({"lookups"});
  EXPECT_THAT(Names(run, Kind::kStat), ElementsAre("in.txt", "in.txt"));
  EXPECT_THAT(Names(run, Kind::kAbsent), ElementsAre("absent1", "absent2", "absent3", "absent4", "absent5", "absent6"));
}

TEST_F(ObserverTest, FilesByOtherWaysThanTheirNames) {
  const std::vector<std::string> files = {"cwd.txt",    "descriptor.txt", "pinned.txt",
                                          "pinned.txt", "number.txt",     "how.txt"};
  for (const std::string& name : files) Write(name);
  ObservedRun run = Observe({"detours"});
  EXPECT_THAT(Names(run, Kind::kRead), testing::UnorderedElementsAreArray(files));
  EXPECT_THAT(run.Modules(Kind::kRead, dir_ / "number.txt"), ElementsAre("observed_program"));
  EXPECT_THAT(Names(run, Kind::kAbsent), ElementsAre("absent.txt"));
}

TEST_F(ObserverTest, WhatResolvesToTheWorkingDirectoryTellsIt) {
  Write("in.txt");
  for (const auto& [path, told] : std::map<std::string, std::size_t>{{".", 1},
                                                                     {"in.txt", 1},
                                                                     {"/proc/self/cwd/in.txt", 1},
                                                                     {"readlink", 1},
                                                                     {"/etc", 0},
                                                                     {"/proc/self/exe", 0}}) {
    unlink((dir_ / "log").c_str());
    EXPECT_EQ(Observe({"whereabouts", path}).Paths(Kind::kWorkingDirectory).size(), told) << path;
  }
}

TEST_F(ObserverTest, DirectoriesThatAreListed) {
  mkdir((dir_ / "listed").c_str(), 0700);
  mkdir((dir_ / "opened").c_str(), 0700);
  ObservedRun run = Observe({"directories"});
  EXPECT_THAT(Names(run, Kind::kDirectory), ElementsAre("listed", "opened"));
  EXPECT_THAT(Names(run, Kind::kAbsent), ElementsAre("absent"));
}

TEST_F(ObserverTest, NewNamesAreWrites) {
  Write("in.txt");
  std::vector<std::string> written = Names(Observe({"changes"}), Kind::kWrite);
  ASSERT_EQ(written.size(), 5u);
  EXPECT_THAT(written.back(), testing::StartsWith("temporary-"));
  EXPECT_THAT(written.back(), Not(EndsWith("XXXXXX")));
  written.pop_back();
  EXPECT_THAT(written, ElementsAre("renamed.txt", "linked.txt", "symlinked.txt", "made"));
}

TEST_F(ObserverTest, VariablesSetOrNotWithTheObjectThatAsks) {
  ObservedRun run = Observe({"variables"}, {"SET_VARIABLE=value"});
  EXPECT_THAT(run.Modules(Kind::kGetenv, "SET_VARIABLE"), ElementsAre("observed_program"));
  EXPECT_THAT(run.Modules(Kind::kGetenv, "UNSET_VARIABLE"), ElementsAre("observed_program"));
}

TEST_F(ObserverTest, RandomNumbers) {
  EXPECT_THAT(Observe({"chance"}).Paths(Kind::kRandom),
              ElementsAre("getrandom", "getentropy", "getrandom(GRND_INSECURE)", "/dev/urandom"));
}

TEST_F(ObserverTest, TheNetwork) { EXPECT_EQ(Observe({"network"}).Paths(Kind::kNetwork).size(), 1u); }

TEST_F(ObserverTest, AProgramThatWalksItsEnvironment) {
  // Once by the rule, for it has the variable, once for the file.
  EXPECT_THAT(Observe({"environment"}).Paths(Kind::kEnviron), IsSupersetOf({Real(Observed()), Real(Observed())}));
}

TEST_F(ObserverTest, ALoadedObjectThatCannotWalkTheEnvironment) {
  ObservedRun run = Observe({"load", PackageFile("libasking.so")});
  EXPECT_TRUE(run.Saw(Kind::kLoaded, PackageFile("libasking.so")));
  EXPECT_FALSE(run.Saw(Kind::kEnviron, PackageFile("libasking.so")));
  EXPECT_THAT(run.Modules(Kind::kGetenv, "ASKED_BY_OBJECT"), ElementsAre("libasking.so"));
}

TEST_F(ObserverTest, ALoadedObjectThatCan) {
  ObservedRun run = Observe({"load", PackageFile("libwalking.so")});
  EXPECT_TRUE(run.Saw(Kind::kEnviron, PackageFile("libwalking.so")));
}

TEST_F(ObserverTest, AnObjectFoundByNameIsSeenBeforeItGoes) {
  std::string object = PackageFile("libwalking.so");
  ObservedRun run = Observe({"load", "libwalking.so"}, {"LD_LIBRARY_PATH=" + object.substr(0, object.rfind('/'))});
  EXPECT_TRUE(run.Saw(Kind::kLoaded, object));
  EXPECT_TRUE(run.Saw(Kind::kEnviron, object));
}

TEST_F(ObserverTest, AnAbsentObjectIsAbsent) {
  EXPECT_TRUE(Observe({"fail", dir_ / "absent.so"}).Saw(Kind::kAbsent, dir_ / "absent.so"));
}

class ObserverProcessTest : public ObserverTest, public testing::WithParamInterface<const char*> {};

TEST_P(ObserverProcessTest, AnExecutedProgramChecksIn) {
  ObservedRun run = Observe({GetParam(), Observed(), "variables"}, {"SET_VARIABLE=value"});
  EXPECT_THAT(run.Paths(Kind::kExec), ElementsAre(Observed()));
  EXPECT_THAT(run.Paths(Kind::kProcess), ElementsAre(Real(Observed()), Real(Observed())));
  EXPECT_EQ(run.Modules(Kind::kGetenv, "UNSET_VARIABLE").size(), 1u);
  EXPECT_THAT(UntracedPrograms(run.events), IsEmpty());
}

TEST_P(ObserverProcessTest, AStaticallyLinkedProgramDoesNot) {
  std::string program = PackageFile("static_program");
  ObservedRun run = Observe({GetParam(), program, "x"});
  EXPECT_THAT(run.Paths(Kind::kExec), ElementsAre(program));
  EXPECT_THAT(UntracedPrograms(run.events), ElementsAre(program));
}

INSTANTIATE_TEST_SUITE_P(Ways, ObserverProcessTest, testing::Values("fork", "vfork", "spawn", "spawnp", "exec"),
                         [](const auto& way) { return std::string(way.param); });

TEST_F(ObserverTest, ProgramsAreSearchedForInThePath) {
  mkdir((dir_ / "first").c_str(), 0700);
  mkdir((dir_ / "second").c_str(), 0700);
  ASSERT_EQ(symlink(PackageFile("static_program").c_str(), (dir_ / "second/named").c_str()), 0);
  std::string path = "PATH=" + (dir_ / "first") + ":" + (dir_ / "second");
  for (const char* way : {"vfork", "spawnp"}) {
    unlink((dir_ / "log").c_str());
    ObservedRun run = Observe({way, "named"}, {path});
    EXPECT_THAT(Names(run, Kind::kAbsent), ElementsAre("first/named")) << way;
    EXPECT_THAT(Names(run, Kind::kExec), ElementsAre("second/named")) << way;
  }
}

TEST_F(ObserverTest, AnAbsentProgramIsAbsentEverywhereInThePath) {
  ObservedRun run = Observe({"exec-absent"}, {"PATH=/absent1:/absent2"});
  EXPECT_THAT(run.Paths(Kind::kAbsent), IsSupersetOf({"/absent1/no-such-program", "/absent2/no-such-program"}));
  EXPECT_THAT(run.Paths(Kind::kExec), IsEmpty());
}

TEST_F(ObserverTest, TheLogSurvivesThatItsDescriptorIsClosedAndTaken) {
  EXPECT_TRUE(Observe({"descriptors"}).Saw(Kind::kGetenv, "AFTER_CLOSING"));
}

TEST_F(ObserverTest, ThreadsAndForksKeepEveryRecordInTheOrderOfItsThread) {
  constexpr int kCount = 200;
  ObservedRun run = Observe({"storm", std::to_string(kCount)});
  std::map<int, std::vector<std::string>> by_thread;
  for (const ObserverEvent& event : run.events) {
    bool storm = event.path.find("STORM_") != std::string::npos && event.path != "STORM_CHILD";
    if (storm) by_thread[event.tid].push_back(static_cast<char>(event.kind) + event.path);
  }
  ASSERT_EQ(by_thread.size(), 8u);
  std::set<std::string> threads;
  for (const auto& [tid, seen] : by_thread) {
    ASSERT_EQ(seen.size(), 2u * kCount);
    std::string thread = seen[0].substr(0, seen[0].rfind('_'));
    threads.insert(thread);
    for (int i = 0; i < kCount; ++i) {
      std::string name = thread.substr(1) + "_" + std::to_string(i);
      ASSERT_EQ(seen[2 * i], "G" + name);
      ASSERT_EQ(seen[2 * i + 1], "A" + (dir_ / name));
    }
  }
  EXPECT_EQ(threads.size(), 8u);
  EXPECT_EQ(run.Modules(Kind::kGetenv, "STORM_CHILD").size(), 8u * kCount / 20);
}

TEST_F(ObserverTest, WhatCannotBeRecordedMakesTheLogUnreadable) {
  ObservedRun run =
      RunPlainly({{Observed(), "overlong"},
                  dir_.path(),
                  {"LD_PRELOAD=" + PackageFile("libsmelt_observer.so"), "SMELT_OBSERVER_LOG=" + (dir_ / "log")}});
  EXPECT_EQ(run.exit_code, 0) << run.output;
  std::ifstream in(dir_ / "log", std::ios::binary);
  std::string log(std::istreambuf_iterator<char>(in), {});
  EXPECT_GT(log.size(), 1u);
  EXPECT_THAT(ParseObserverLog(log), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(ObserverTest, AProgramRunsAsEverWhereNoLogCanBeWritten) {
  for (const char* log : {"/dev/full", "/absent/log", "relative", ""}) {
    ObservedRun run = RunPlainly({{Observed(), "variables"},
                                  dir_.path(),
                                  {"SET_VARIABLE=value", "LD_PRELOAD=" + PackageFile("libsmelt_observer.so"),
                                   std::string("SMELT_OBSERVER_LOG=") + log}});
    EXPECT_EQ(run.exit_code, 0) << log << run.output;
    EXPECT_EQ(run.output, "") << log;
  }
}

}  // namespace
}  // namespace smelt
