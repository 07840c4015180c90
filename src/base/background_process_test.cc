#include "src/base/background_process.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using ::testing::HasSubstr;

class BackgroundProcessTest : public testing::Test {
 protected:
  BackgroundProcessTest() {
    for (const char* name : {"covered", "scratch", "shown", "elsewhere"})
      std::filesystem::create_directory(dir_ / name);
  }

  BackgroundCommand Shell(const std::string& script) {
    return {{"/bin/sh", "-c", script},
            {"PATH=/usr/bin:/bin", "SHOWN=" + (dir_ / "shown")},
            dir_ / "covered",
            022,
            "",
            "",
            ""};
  }

  // Under an overlay, where this machine allows it.
  BackgroundCommand CoveredShell(const std::string& script) {
    BackgroundCommand command = Shell(script);
    command.covered = dir_ / "covered";
    command.writable = dir_ / "shown";
    command.scratch = dir_ / "scratch";
    return command;
  }

  static int Run(const BackgroundCommand& command) {
    auto process = StartInBackground(command);
    EXPECT_OK(process);
    return process.ok() ? (*process)->Wait() : -1;
  }

  std::string Read(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(dir_ / name).rdbuf();
    return text.str();
  }

  void Write(const std::string& name, const std::string& text) { std::ofstream(dir_ / name) << text; }

  TempDir dir_;
};

TEST_F(BackgroundProcessTest, RunsInItsDirectoryWithItsEnvironmentAndNothingElse) {
  EXPECT_EQ(Run(Shell("pwd > $SHOWN/out; env | grep -c ^HOME= >> $SHOWN/out; exit 3")), 3 << 8);
  EXPECT_EQ(Read("shown/out"), (dir_ / "covered") + "\n0\n");
}

TEST_F(BackgroundProcessTest, RunsOnlyWhileNothingElseDoes) {
  Run(Shell("cut -d' ' -f41 /proc/self/stat > $SHOWN/out"));
  EXPECT_EQ(Read("shown/out"), "5\n") << "SCHED_IDLE";
}

TEST_F(BackgroundProcessTest, HasTheUmask) {
  BackgroundCommand command = Shell("umask > $SHOWN/out");
  command.umask = 077;
  Run(command);
  EXPECT_EQ(Read("shown/out"), "0077\n");
}

TEST_F(BackgroundProcessTest, KillEndsItWithItsChildren) {
  auto process = StartInBackground(Shell("sleep 1000 & echo $! > $SHOWN/child; mv $SHOWN/child $SHOWN/out; wait"));
  ASSERT_OK(process);
  while (Read("shown/out").empty()) continue;
  (*process)->Kill();
  const int status = (*process)->Wait();
  EXPECT_TRUE(WIFSIGNALED(status));
  const std::string state = "/proc/" + std::to_string(std::stoi(Read("shown/out"))) + "/stat";
  std::string text;
  do {
    std::getline(std::ifstream(state), text);
  } while (std::filesystem::exists(state) && text.find(") Z") == text.npos && !text.empty());
  (*process)->Kill();
  EXPECT_EQ((*process)->Wait(), status) << "its end is remembered";
}

TEST_F(BackgroundProcessTest, EndsWithTheThreadThatStartedIt) {
  for (const BackgroundCommand& command : {Shell("exec sleep 1000"), CoveredShell("exec sleep 1000")}) {
    absl::StatusOr<std::unique_ptr<BackgroundProcess>> process;
    std::thread([&] { process = StartInBackground(command); }).join();
    if (!process.ok()) GTEST_SKIP() << "no user namespaces here: " << process.status();
    const int status = (*process)->Wait();
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  }
}

TEST_F(BackgroundProcessTest, ACommandThatIsNotThereIsAnError) {
  BackgroundCommand command = Shell("");
  command.command = {dir_ / "nothing"};
  EXPECT_THAT(std::string(StartInBackground(command).status().message()), HasSubstr("execve: errno 2"));
  command = Shell("");
  command.working_directory = dir_ / "nowhere";
  EXPECT_THAT(std::string(StartInBackground(command).status().message()), HasSubstr("chdir: errno 2"));
}

TEST_F(BackgroundProcessTest, WhatItWritesUnderACoverNobodySees) {
  Write("covered/old", "old");
  const auto process = StartInBackground(CoveredShell("true"));
  if (!process.ok()) GTEST_SKIP() << "no user namespaces here: " << process.status();
  const int status =
      Run(CoveredShell("cat old > $SHOWN/out && echo new > old && echo more > more && rm -f gone && "
                       "cat $PWD/old more >> $SHOWN/out"));
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Read("shown/out"), "oldnew\nmore\n");
  EXPECT_EQ(Read("covered/old"), "old");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "covered/more"));
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "scratch"));
}

TEST_F(BackgroundProcessTest, UnderACoverEverythingElseIsReadOnly) {
  BackgroundCommand command =
      CoveredShell("echo x > ../elsewhere/x; echo y > $SHOWN/y; echo z > $TMPDIR/z; ls $TMPDIR > $SHOWN/out");
  command.environment.push_back("TMPDIR=" + (dir_ / "scratch/tmp"));
  const auto process = StartInBackground(command);
  if (!process.ok()) GTEST_SKIP() << "no user namespaces here: " << process.status();
  EXPECT_EQ((*process)->Wait(), 0);
  EXPECT_EQ(Read("shown/out"), "z\n");
  EXPECT_EQ(Read("shown/y"), "y\n");
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "elsewhere"));
}

// The kernel takes the cover away with what it lay on.
TEST_F(BackgroundProcessTest, ACoveredDirectoryThatIsMadeAnewStaysAsItIs) {
  std::filesystem::create_directory(dir_ / "covered/deps");
  BackgroundCommand command = CoveredShell("echo > $SHOWN/ready; read go < $SHOWN/go; echo late > " +
                                           (dir_ / "covered/deps/late") + "; echo late > deps/late; exit 0");
  command.covered = dir_ / "covered/deps";
  ASSERT_EQ(mkfifo((dir_ / "shown/go").c_str(), 0600), 0);
  const auto process = StartInBackground(command);
  if (!process.ok()) GTEST_SKIP() << "no user namespaces here: " << process.status();
  while (!std::filesystem::exists(dir_ / "shown/ready")) continue;
  std::filesystem::remove_all(dir_ / "covered");
  std::filesystem::create_directories(dir_ / "covered/deps");
  Write("shown/go", "go\n");
  EXPECT_EQ((*process)->Wait(), 0);
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "covered/deps"));
}

TEST_F(BackgroundProcessTest, ACoverThatCannotBeIsAnError) {
  BackgroundCommand command = CoveredShell("true");
  command.covered = dir_ / "nowhere";
  const auto process = StartInBackground(command);
  ASSERT_FALSE(process.ok());
  EXPECT_THAT(std::string(process.status().message()), HasSubstr("errno"));
  command.covered = dir_ / "covered,upperdir=x";
  std::filesystem::create_directory(command.covered);
  EXPECT_THAT(std::string(StartInBackground(command).status().message()), HasSubstr("mount's options"));
}

}  // namespace
}  // namespace smelt
