// Compiles that must not be stored, those that nobody knows about, and several at once.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "src/daemon/testing/daemon_fixture.h"

namespace smelt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class NotStoredTest : public DaemonFixture {
 protected:
  // Compiles `source`; then again, which must not be a hit.
  std::string ReasonFor(const std::string& source, std::function<void()> during = nullptr) {
    one_.Write("src/lib.rs", source);
    Compile(one_, std::move(during));
    const std::string reason = Last();
    detail_ = daemon_->journal.LastOf("a")->detail;
    if (reason != "miss") {
      EXPECT_TRUE(Compile(one_).ran) << "something was stored after all";
    }
    return reason;
  }

  // What the daemon makes of an answer that is not the compiler's.
  std::string ReasonForAnswer(const wire::Message& answer) {
    ScriptedWrapper wrapper([&](const wire::Run&) { return answer; });
    daemon_->compiles.Handle(one_.Request(), wrapper);
    return Last();
  }

  std::string detail_;  // of the last ReasonFor
};

TEST_F(NotStoredTest, ACompileThatFails) {
  one_.Write("src/lib.rs", "fail\n");
  const Outcome outcome = Compile(one_);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(Last(), "not_stored compiler_failed");
  EXPECT_TRUE(Compile(one_).ran);
}

TEST_F(NotStoredTest, AnEndThatIsNoEnd) {
  EXPECT_EQ(ReasonForAnswer(wire::Ran{SIGKILL, "", ""}), "not_stored compiler_failed");
  EXPECT_EQ(ReasonForAnswer(wire::Ran{wire::kWaitStatusNotStarted, "", ""}), "not_stored compiler_failed");
  EXPECT_EQ(ReasonForAnswer(wire::Ran{wire::kWaitStatusNotCaptured, "", ""}), "not_stored output_limit");
  EXPECT_EQ(Count("stored"), 0);
}

TEST_F(NotStoredTest, WhatAMacroMustNotDo) {
  EXPECT_EQ(ReasonFor("macro-exec /usr/bin/git\n"), "not_stored ran_a_program");
  EXPECT_EQ(ReasonFor("network\n"), "not_stored network");
  EXPECT_EQ(ReasonFor("random\n"), "not_stored random");
  EXPECT_EQ(ReasonFor("random-seed\n"), "miss");
  EXPECT_EQ(ReasonFor("macro-write generated.rs\n"), "not_stored side_effects");
}

TEST_F(NotStoredTest, AMacroThatWritesBesideTheOutputs) {
  EXPECT_EQ(ReasonFor("macro-write target/debug/deps/notes.txt\n"), "not_stored side_effects");
}

TEST_F(NotStoredTest, AFileThatIsReadAndThenWritten) {
  const std::string memo = dir_ / "memo";
  WriteAndWait(memo, "1");
  one_.environment["TMPDIR"] = dir_.path();
  EXPECT_EQ(ReasonFor("macro-read " + memo + "\nmacro-write " + memo + "\n"), "not_stored side_effects");
}

TEST_F(NotStoredTest, ALogThatIsMissingOrBroken) {
  auto change_log = [&](const std::function<void(const std::string&)>& change) {
    FakeRustc rustc(one_.directory(), one_.Environment());
    ScriptedWrapper wrapper([&](const wire::Run& run) {
      wire::Ran ran = rustc.Run(run);
      for (const std::string& variable : run.environment) {
        if (variable.starts_with("SMELT_OBSERVER_LOG=")) change(variable.substr(variable.find('=') + 1));
      }
      return ran;
    });
    daemon_->compiles.Handle(one_.Request(), wrapper);
    EXPECT_EQ(wrapper.exit_code, 0);
    return Last();
  };
  EXPECT_EQ(change_log([](const std::string& log) { fs::remove(log); }), "not_stored unobserved");
  EXPECT_EQ(change_log([](const std::string& log) { fs::resize_file(log, 0); }), "not_stored unobserved");
  EXPECT_EQ(change_log([](const std::string& log) { fs::resize_file(log, fs::file_size(log) - 1); }),
            "not_stored unobserved");
  EXPECT_EQ(change_log([](const std::string&) {}), "miss");
  EXPECT_TRUE(fs::is_empty(options_.runs_directory)) << "logs are removed";
}

TEST_F(NotStoredTest, WithoutAnObserverNothing) {
  options_.observer = "";
  Restart();
  EXPECT_EQ(ReasonFor("fn a\n"), "not_stored unobserved");
}

TEST_F(NotStoredTest, WithAnotherObserverThanTheOneThatWorkedNothing) {
  Compile(one_);
  WriteAndWait(options_.observer, "another observer");
  one_.Write("src/m.rs", "fn other\n");
  const Outcome outcome = Compile(one_);
  EXPECT_EQ(Last(), "not_stored unobserved");
  EXPECT_TRUE(outcome.run.environment.empty()) << "the compiler is not told of it";
  fs::remove(options_.observer);
  Compile(one_);
  EXPECT_EQ(Last(), "not_stored unobserved");
}

TEST_F(NotStoredTest, OnAFullDiskTheCompilerAndTheLinkerAreAskedToWriteNothingMore) {
  files_.SetFreeBytes(1 << 20);
  one_.crate_type = "bin";
  const Outcome outcome = Compile(one_);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(Last(), "not_stored disk_full");
  EXPECT_TRUE(outcome.run.environment.empty());
  EXPECT_THAT(outcome.run.command, Not(Contains(HasSubstr("--dependency-file"))));
  EXPECT_TRUE(fs::is_empty(options_.runs_directory));
}

TEST_F(NotStoredTest, ADiskThatDoesNotSayIsNotFull) {
  files_.Inject({.call = Call::kFreeBytes});
  Compile(one_);
  EXPECT_EQ(Last(), "miss");
}

TEST_F(NotStoredTest, ARunsDirectoryThatIsGoneIsMadeAgain) {
  fs::remove_all(options_.runs_directory);
  Compile(one_);
  EXPECT_EQ(Last(), "miss");
}

TEST_F(NotStoredTest, AnInputThatChangesWhileTheCompilerRuns) {
  const std::vector<std::function<void()>> kChanges = {
      [&] { one_.Write("src/lib.rs", "fn changed\n"); },
      [&] { one_.Write("src/m.rs", "fn changed\n"); },
      [&] { one_.Write("q.sql", "changed"); },
      [&] { one_.Write("t/new", ""); },
      [&] { one_.Remove("t/a"); },
      [&] { one_.Write("flag", ""); },
      [&] { one_.Remove("src/m.rs"); },
      [&] { WriteAndWait(toolchain_.library(), "another core, " + std::to_string(Count("misses"))); },
  };
  for (std::size_t i = 0; i < kChanges.size(); ++i) {
    one_.Write("q.sql", "as it was");
    one_.Write("t/a", "");
    one_.Remove("flag");
    one_.Write("src/m.rs", "fn m\n");
    const std::string source =
        "mod m\nmacro-read q.sql\nmacro-list t\nmacro-exists flag\nfn f" + std::to_string(i) + "\n";
    EXPECT_EQ(ReasonFor(source, kChanges[i]), "not_stored inputs_changed") << i;
    EXPECT_NE(detail_, "") << i;
  }
  EXPECT_EQ(Count("hits"), 0);
}

TEST_F(NotStoredTest, ALinkThatIsTurnedToAnOlderFileWhileTheCompilerRuns) {
  one_.Write("v1.rs", "fn one\n");
  one_.Write("v2.rs", "fn two\n");
  fs::remove(one_.Path("src/lib.rs"));
  fs::create_symlink(one_.Path("v1.rs"), one_.Path("src/lib.rs"));
  Compile(one_, [&] {
    fs::remove(one_.Path("src/lib.rs"));
    fs::create_symlink(one_.Path("v2.rs"), one_.Path("src/lib.rs"));
  });
  EXPECT_EQ(Last(), "not_stored inputs_changed");
  CompileAndCheck(one_);
}

TEST_F(NotStoredTest, AnOutputThatIsMissing) {
  EXPECT_THAT(ReasonForAnswer(wire::Ran{0, "", ""}), testing::StartsWith("not_stored"));
  FakeRustc rustc(one_.directory(), one_.Environment());
  ScriptedWrapper wrapper([&](const wire::Run& run) {
    wire::Ran ran = rustc.Run(run);
    fs::remove(one_.Deps() + "/liba-1.rmeta");
    return ran;
  });
  daemon_->compiles.Handle(one_.Request(), wrapper);
  EXPECT_EQ(Last(), "not_stored outputs_missing");
  EXPECT_EQ(wrapper.exit_code, 0);
  EXPECT_TRUE(Compile(one_).ran);
}

TEST_F(NotStoredTest, NamesAndValuesThatAreNotUtf8) {
  EXPECT_EQ(ReasonFor("macro-read \xff\xfe\n"), "not_stored not_utf8") << "an absent file";
  one_.Write("\xff\xfe", "bytes");
  EXPECT_EQ(ReasonFor("macro-read \xff\xfe\n"), "not_stored not_utf8");
  one_.environment["V"] = "\xc3";
  EXPECT_EQ(ReasonFor("macro-env V\n"), "not_stored not_utf8");
  one_.environment["V"] = "\xc3\xa4";
  EXPECT_EQ(ReasonFor("macro-env V\n"), "miss");
  one_.environment["V"] = "\xc3";
  Compile(one_);
  EXPECT_EQ(Last(), "not_stored not_utf8") << "a shape is known, its value is not";
}

TEST_F(NotStoredTest, AWorkspaceWhoseNameIsNotUtf8) {
  Checkout strange(dir_ / "\xff", toolchain_);
  strange.Write("src/lib.rs", "fn a\nwarn\n");
  EXPECT_EQ(CompileAndCheck(strange).exit_code, 0);
  const Outcome again = CompileAndCheck(strange);
  EXPECT_THAT(again.standard_error, HasSubstr("look at " + strange.Path("src/lib.rs")));
}

TEST_F(NotStoredTest, PathsThatLeadOutOfALinkedDirectory) {
  // src/link/../x.rs is elsewhere/x.rs, and not src/x.rs.
  one_.Write("elsewhere/inner/nothing", "");
  one_.Write("elsewhere/x.rs", "fn right\n");
  one_.Write("src/x.rs", "fn wrong\n");
  fs::create_directory_symlink(one_.Path("elsewhere/inner"), one_.Path("src/link"));
  EXPECT_EQ(ReasonFor("include link/../x.rs\n"), "not_stored inputs_changed");
  EXPECT_THAT(detail_, HasSubstr("src/link"));
  fs::remove(one_.Path("src/link"));
  one_.Write("src/link/nothing", "");
  EXPECT_EQ(ReasonFor("include link/../x.rs\n"), "miss");
  CompileAndCheck(one_);
  EXPECT_EQ(Last(), "hit");
  fs::remove_all(one_.Path("src/link"));
  fs::create_directory_symlink(one_.Path("elsewhere/inner"), one_.Path("src/link"));
  CompileAndCheck(one_);
  EXPECT_NE(Last(), "hit") << "a directory became a link";
}

TEST_F(NotStoredTest, RefusalsRunPlainlyAndAreCounted) {
  one_.arguments = {"--no-such-flag"};
  EXPECT_TRUE(Compile(one_).plain);
  EXPECT_EQ(Last(), "refused unknown_flag");
  one_.arguments = {"-o", "x"};
  EXPECT_TRUE(Compile(one_).plain);
  one_.arguments = {};
  one_.environment["RUSTC_LOG"] = "info";
  EXPECT_TRUE(Compile(one_).plain);
  EXPECT_EQ(Last(), "refused logging");
  one_.environment.clear();
  one_.rustc = dir_ / "nowhere/bin/rustc";
  EXPECT_TRUE(Compile(one_).plain);
  EXPECT_EQ(Last(), "refused unknown_toolchain");
  EXPECT_EQ(Count("refusals.unknown_flag"), 1);
  EXPECT_EQ(Count("refusals.logging"), 1);
  EXPECT_EQ(Count("refusals.unknown_toolchain"), 1);
  EXPECT_EQ(Count("refused"), 4);
  EXPECT_EQ(Count("hits") + Count("misses"), 0);
}

TEST_F(NotStoredTest, AnArgumentFileIsReadOnlyIfItIsAFile) {
  const std::string file = dir_ / "arguments";
  WriteAndWait(file, "--cfg\nx\n");
  one_.arguments = {"@" + file};
  Compile(one_);
  EXPECT_EQ(Last(), "miss");
  const std::string pipe = dir_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& path : {pipe, dir_.path(), std::string("/dev/zero"), std::string("/proc/self/status")}) {
    one_.arguments = {"@" + path};
    EXPECT_TRUE(Compile(one_).plain) << path;
    EXPECT_EQ(Last(), "refused unreadable_arg_file") << path;
  }
}

TEST_F(NotStoredTest, AWrapperThatDiesWhileTheCompilerRunsBlocksNobody) {
  ScriptedWrapper dying([](const wire::Run&) { return std::nullopt; });
  daemon_->compiles.Handle(one_.Request(), dying);
  EXPECT_TRUE(dying.run.has_value());
  EXPECT_EQ(Count("wrappers_lost"), 1);
  EXPECT_TRUE(fs::is_empty(options_.runs_directory));
  CompileAndCheck(one_);
  EXPECT_EQ(Last(), "miss");
}

TEST_F(NotStoredTest, AWrapperThatTalksNonsenseBlocksNobody) {
  ScriptedWrapper strange([&](const wire::Run&) { return one_.Request(); });
  daemon_->compiles.Handle(one_.Request(), strange);
  CompileAndCheck(one_);
  EXPECT_EQ(Last(), "miss");
}

TEST_F(NotStoredTest, TheSameUnitAtOnceIsCompiledOnce) {
  WriteBoth("src/lib.rs", "fn a\nmod m\n");
  std::atomic<int> runs{0};
  auto compile = [&](const Checkout& checkout, std::function<void()> during, std::function<void()> waiting) {
    FakeRustc rustc(checkout.directory(), checkout.Environment(), std::move(during));
    ScriptedWrapper wrapper([&](const wire::Run& run) {
      ++runs;
      return rustc.Run(run);
    });
    wrapper.on_working = std::move(waiting);
    daemon_->compiles.Handle(checkout.Request(), wrapper);
    return wrapper.exit_code;
  };
  absl::Notification first_runs, second_waits;
  std::thread second([&] {
    first_runs.WaitForNotification();
    EXPECT_EQ(compile(two_, nullptr,
                      [&] {
                        if (!second_waits.HasBeenNotified()) second_waits.Notify();
                      }),
              0);
  });
  compile(
      one_,
      [&] {
        first_runs.Notify();
        second_waits.WaitForNotification();
      },
      nullptr);
  second.join();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Count("hits"), 1);
  EXPECT_EQ(two_.Outputs()["liba-1.rlib"], one_.Outputs()["liba-1.rlib"]);
}

TEST_F(NotStoredTest, WhoWaitsRunsInPlaceOfOneWhoDies) {
  absl::Notification first_runs, second_waits;
  std::thread second([&] {
    first_runs.WaitForNotification();
    FakeRustc rustc(one_.directory(), one_.Environment());
    ScriptedWrapper wrapper([&](const wire::Run& run) { return rustc.Run(run); });
    wrapper.on_working = [&] {
      if (!second_waits.HasBeenNotified()) second_waits.Notify();
    };
    daemon_->compiles.Handle(one_.Request(), wrapper);
    EXPECT_EQ(wrapper.exit_code, 0);
    EXPECT_TRUE(wrapper.run.has_value());
  });
  ScriptedWrapper dying([&](const wire::Run&) {
    first_runs.Notify();
    second_waits.WaitForNotification();
    return std::nullopt;
  });
  daemon_->compiles.Handle(one_.Request(), dying);
  second.join();
  EXPECT_EQ(Count("stored"), 1);
}

TEST_F(NotStoredTest, AWrapperThatDiesWhileItWaitsIsForgotten) {
  absl::Notification first_runs, second_gone;
  std::thread second([&] {
    first_runs.WaitForNotification();
    ScriptedWrapper wrapper([](const wire::Run&) { return std::nullopt; });
    wrapper.gone = true;
    daemon_->compiles.Handle(one_.Request(), wrapper);
    EXPECT_FALSE(wrapper.run.has_value());
    second_gone.Notify();
  });
  Compile(one_, [&] {
    first_runs.Notify();
    second_gone.WaitForNotification();
  });
  second.join();
  EXPECT_EQ(Last(), "miss");
}

TEST_F(NotStoredTest, VerifyingComparesAndCountsDifferences) {
  options_.verify_share = 1;
  Restart();
  Compile(one_);
  EXPECT_TRUE(Compile(one_).ran);
  EXPECT_EQ(Count("verified"), 1);
  EXPECT_EQ(Count("verify_differences"), 0);

  FakeRustc rustc(one_.directory(), one_.Environment());
  ScriptedWrapper wrapper([&](const wire::Run& run) {
    wire::Ran ran = rustc.Run(run);
    WriteAndWait(one_.Deps() + "/liba-1.rmeta", "other bytes");
    return ran;
  });
  daemon_->compiles.Handle(one_.Request(), wrapper);
  EXPECT_EQ(Count("verified"), 2);
  EXPECT_EQ(Count("verify_differences"), 1);
}

TEST_F(NotStoredTest, AShareOfHitsIsVerifiedWhateverTheEnvironmentSays) {
  Compile(one_);
  const std::vector<std::pair<std::string, bool>> kShares = {{"1", true}, {"0", false},   {"-1", false},
                                                             {"", false}, {"nan", false}, {"1e-300", true},
                                                             {"2", true}, {"x", false}};
  for (const auto& [share, runs] : kShares) {
    Restart();  // the first hit of a daemon is in every sample
    one_.environment["SMELT_VERIFY"] = share;
    EXPECT_EQ(Compile(one_).ran, runs) << share;
  }
}

}  // namespace
}  // namespace smelt
