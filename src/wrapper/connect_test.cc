// Finding and starting the daemon, with the program and a daemon made for tests.

#include "src/wrapper/connect.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "src/wrapper/testing/fake_daemon.h"
#include "src/wrapper/testing/smelt_process.h"

namespace smelt::wrapper {
namespace {

constexpr char kFakeSmeltd[] = "src/wrapper/testing/fake_smeltd";

class StartTheDaemon : public testing::Test {
 protected:
  StartTheDaemon() {
    WriteFile(compiler_, "#!/bin/sh\necho plain\n", 0755);
    environment_ = {{"SMELT_DIR", directory_}, {"SMELT_DAEMON", std::filesystem::absolute(kFakeSmeltd)}};
  }
  ~StartTheDaemon() override { RunProcess({kSmelt, "stop"}, environment_); }

  Ended Smelt(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), kSmelt);
    return RunProcess(arguments, environment_);
  }
  // What the fake daemon says of itself, through a command that the command line knows.
  std::string Ask(const std::string& what) { return Smelt({"why", what}).out; }
  // The output is empty if the daemon answered, and "plain\n" if the compiler ran.
  std::string Compile() { return Smelt({compiler_}).out; }
  std::string Starts() { return ReadFile(directory_ + "/starts"); }

  ShortTempDir dir_;
  const std::string directory_ = dir_ / "cache";
  const std::string compiler_ = dir_ / "rustc";
  SmeltProcess::Environment environment_;
};

TEST_F(StartTheDaemon, TheFirstCompileStartsItAndTheNextFindsIt) {
  EXPECT_EQ(Compile(), "");
  EXPECT_EQ(Compile(), "");
  EXPECT_EQ(Starts(), "started\n");
}

TEST_F(StartTheDaemon, ManyAtOnceStartOne) {
  std::vector<std::unique_ptr<SmeltProcess>> all;
  for (int i = 0; i < 12; ++i) {
    all.push_back(std::make_unique<SmeltProcess>(std::vector<std::string>{kSmelt, compiler_}, environment_));
  }
  for (auto& one : all) {
    Ended ended = one->Wait();
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(ended.wait_status, 0);
  }
  EXPECT_EQ(Starts(), "started\n");
}

TEST_F(StartTheDaemon, ItGetsOnlyTheVariablesOfTheUser) {
  const std::pair<const char*, const char*> kKept[] = {
      {"HOME", "/home/u"},         {"XDG_CONFIG_HOME", "/x"}, {"RUSTUP_HOME", "/r"},
      {"CARGO_HOME", "/c"},        {"SCCACHE_BUCKET", "b"},   {"AWS_PROFILE", "p"},
      {"https_proxy", "http://p"}, {"NO_PROXY", "localhost"}, {"ACTIONS_ID_TOKEN_REQUEST_URL", "https://t"},
  };
  for (const auto& [name, value] : kKept) environment_[name] = value;
  environment_["MAKEFLAGS"] = "-j --jobserver-auth=8,9";
  environment_["CARGO_PKG_NAME"] = "a";
  environment_["LD_LIBRARY_PATH"] = "/l";
  std::string environment = "\n" + Ask("environment");
  for (const auto& [name, value] : kKept) {
    EXPECT_NE(environment.find(std::string("\n") + name + "=" + value + "\n"), std::string::npos) << name;
  }
  EXPECT_NE(environment.find("\nSMELT_DIR="), std::string::npos);
  for (const char* dropped : {"MAKEFLAGS", "CARGO_PKG_NAME", "LD_LIBRARY_PATH"}) {
    EXPECT_EQ(environment.find(std::string("\n") + dropped), std::string::npos) << dropped;
  }
}

TEST_F(StartTheDaemon, ItHoldsNoDescriptorOfOurs) {
  int jobs[2];
  ASSERT_EQ(pipe2(jobs, O_CLOEXEC), 0);
  Ended first = SmeltProcess({kSmelt, compiler_}, environment_, {{8, jobs[0]}, {9, jobs[1]}}).Wait();
  EXPECT_EQ(first.out, "");
  EXPECT_EQ(Ask("descriptors"), "stdin=/dev/null\n0\n1\n2\n");
}

TEST_F(StartTheDaemon, ItIsInASessionOfItsOwnAndInTheRoot) { EXPECT_EQ(Ask("parent"), "leader=0 directory=/\n"); }

TEST_F(StartTheDaemon, AStaleSocketIsNoDaemon) {
  ASSERT_TRUE(std::filesystem::create_directory(directory_));
  { FakeDaemon dead(directory_ + "/smeltd.sock", {}); }
  EXPECT_EQ(Compile(), "");
  EXPECT_EQ(Starts(), "started\n");
}

TEST_F(StartTheDaemon, OneThatCannotBeExecutedIsTriedOnceAndCompilesGoPlain) {
  const std::string fake = environment_["SMELT_DAEMON"];
  environment_["SMELT_DAEMON"] = dir_ / "absent";
  EXPECT_EQ(Compile(), "plain\n");
  EXPECT_NE(ReadFile(directory_ + "/smeltd.failed").find(dir_ / "absent"), std::string::npos);
  environment_["SMELT_DAEMON"] = fake;
  EXPECT_EQ(Compile(), "plain\n");
  EXPECT_EQ(Starts(), "");
}

TEST_F(StartTheDaemon, AFailureIsForgottenAfterItsTime) {
  ASSERT_TRUE(std::filesystem::create_directory(directory_));
  const std::string marker = directory_ + "/smeltd.failed";
  WriteFile(marker, "failed\n");
  const timespec past[2] = {{time(nullptr) - kRetryAfterSeconds - 1, 0}, {time(nullptr) - kRetryAfterSeconds - 1, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, marker.c_str(), past, 0), 0);
  EXPECT_EQ(Compile(), "");
  EXPECT_FALSE(std::filesystem::exists(marker));
}

TEST_F(StartTheDaemon, ACommandTriesInSpiteOfAFailureAMomentAgo) {
  ASSERT_TRUE(std::filesystem::create_directory(directory_));
  WriteFile(directory_ + "/smeltd.failed", "failed\n");
  EXPECT_EQ(Compile(), "plain\n");
  EXPECT_EQ(Smelt({"start"}).wait_status, 0);
  EXPECT_EQ(Compile(), "");
}

TEST_F(StartTheDaemon, OneThatEndsAtOnceIsReportedWithItsLog) {
  environment_["SMELT_FAKE_FAILS"] = "1";
  EXPECT_EQ(Compile(), "plain\n");
  for (const char* command : {"status", "doctor"}) {
    Ended ended = Smelt({command});
    EXPECT_EQ(ended.wait_status, 1 << 8) << command;
    EXPECT_EQ(ended.out, "");
    EXPECT_NE(ended.err.find("could not be started"), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find("  the fake daemon fails as it was told to\n"), std::string::npos) << ended.err;
  }
  environment_.erase("SMELT_FAKE_FAILS");
}

TEST_F(StartTheDaemon, NoStartMeansNoStart) {
  environment_["SMELT_NO_START"] = "1";
  EXPECT_EQ(Compile(), "plain\n");
  Ended ended = Smelt({"status"});
  EXPECT_EQ(ended.wait_status, 1 << 8);
  EXPECT_EQ(Starts(), "");
}

TEST_F(StartTheDaemon, WhileAnotherHoldsTheLockItIsWaitedForAndFound) {
  ASSERT_TRUE(std::filesystem::create_directory(directory_));
  UniqueFd lock(open((directory_ + "/smeltd.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(flock(lock.get(), LOCK_EX), 0);
  SmeltProcess waiting({kSmelt, compiler_}, environment_);
  {
    FakeDaemon daemon(directory_ + "/smeltd.sock", {[](DaemonEnd& end) {
                        end.Receive();
                        end.Send(wire::Exit{0});
                      }});
    EXPECT_EQ(waiting.Wait().out, "");
  }
  EXPECT_EQ(Starts(), "");
}

TEST_F(StartTheDaemon, ADirectoryThatCannotBeMadeMeansPlain) {
  environment_["SMELT_DIR"] = "/proc/none";
  EXPECT_EQ(Compile(), "plain\n");
  Ended ended = Smelt({"status"});
  EXPECT_EQ(ended.wait_status, 1 << 8);
  EXPECT_NE(ended.err.find("/proc/none"), std::string::npos);
}

TEST_F(StartTheDaemon, StopEndsItAndSaysSoWhenThereIsNone) {
  EXPECT_EQ(Smelt({"start"}).wait_status, 0);
  Ended stopped = Smelt({"stop"});
  EXPECT_EQ(stopped.wait_status, 0);
  EXPECT_EQ(stopped.out, "smeltd has ended\n");
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/smeltd.sock"));
  EXPECT_EQ(Smelt({"stop"}).out, "smeltd is not running\n");
  EXPECT_EQ(Starts(), "started\n");
}

TEST_F(StartTheDaemon, StopWaitsUntilTheProcessHasEnded) {
  environment_["SMELT_FAKE_LINGERS"] = "1";
  EXPECT_EQ(Smelt({"start"}).wait_status, 0);
  EXPECT_EQ(Smelt({"stop"}).out, "smeltd has ended\n");
  EXPECT_EQ(ReadFile(directory_ + "/ended"), "ended\n");
}

TEST_F(StartTheDaemon, TheDaemonsStatusIsTheCommands) { EXPECT_EQ(Smelt({"flush"}).wait_status, 3 << 8); }

TEST_F(StartTheDaemon, ACommandStartsItsOwnDaemonAfterOneOfAnotherVersionHasEnded) {
  ASSERT_TRUE(std::filesystem::create_directory(directory_));
  const std::string socket = directory_ + "/smeltd.sock";
  {
    FakeDaemon old(socket, {[&](DaemonEnd& end) {
                     EXPECT_TRUE(std::holds_alternative<wire::Command>(end.Receive()));
                     std::filesystem::remove(socket);
                     end.Send(wire::OtherVersion{"old"});
                   }});
    EXPECT_EQ(Ask("parent"), "leader=0 directory=/\n");
  }
  EXPECT_EQ(Starts(), "started\n");
}

}  // namespace
}  // namespace smelt::wrapper
