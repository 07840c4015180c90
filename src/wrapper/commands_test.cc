// The command line, by running the program.

#include "src/wrapper/commands.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "src/wire/build_id.h"
#include "src/wrapper/command_table.h"
#include "src/wrapper/completion.h"
#include "src/wrapper/testing/smelt_process.h"
#include "src/wrapper/wrapper_call.h"

namespace smelt::wrapper {
namespace {

namespace fs = std::filesystem;

class CommandLine : public testing::Test {
 protected:
  CommandLine() {
    environment_ = {{"HOME", home_.path()}, {"SMELT_NO_START", "1"}};
    fs::create_directory(work_);
  }

  Ended Smelt(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), kSmelt);
    return RunProcess(arguments, environment_, work_);
  }
  void ExpectFailure(const std::vector<std::string>& arguments, int code, const std::string& text) {
    Ended ended = Smelt(arguments);
    EXPECT_EQ(ended.wait_status, code << 8) << ended.err;
    EXPECT_EQ(ended.out, "");
    EXPECT_NE(ended.err.find(text), std::string::npos) << ended.err;
  }
  std::string Config() { return ReadFile(home_ / ".cargo/config.toml"); }
  std::string SetTo(const std::string& wrapper) { return "[build]\nrustc-wrapper = \"" + wrapper + "\"\n"; }

  ShortTempDir home_;
  const std::string work_ = home_ / "work";
  const std::string self_ = fs::canonical(kSmelt);
  SmeltProcess::Environment environment_;
};

TEST_F(CommandLine, HelpNamesEveryCommandAndHowToUseItFromCargo) {
  for (const std::vector<std::string>& asked : {std::vector<std::string>{}, {"help"}, {"--help"}, {"-h"}}) {
    Ended ended = Smelt(asked);
    EXPECT_EQ(ended.wait_status, 0);
    EXPECT_EQ(ended.out, Help());
  }
  EXPECT_NE(Help().find("RUSTC_WRAPPER="), std::string::npos);
  for (const CommandRow& command : Commands()) {
    std::string name(command.name);
    EXPECT_NE(Help().find("\n  " + name + " "), std::string::npos) << name;
    EXPECT_EQ(Smelt({"help", name}).out, HelpOn(command));
    if (!command.takes_anything) {
      EXPECT_EQ(Smelt({name, "--help"}).out, HelpOn(command)) << name;
    }
    for (const Flag& flag : command.flags) EXPECT_NE(HelpOn(command).find(flag.name), std::string::npos);
  }
}

TEST_F(CommandLine, TheVersionIsThatOfTheBuild) {
  EXPECT_EQ(Smelt({"--version"}).out, "smelt " + std::string(wire::kVersion) + " (" + wire::BuildId() + ")\n");
  EXPECT_EQ(Smelt({"-V"}).wait_status, 0);
}

TEST_F(CommandLine, MistakesAreNamedWithWhatWasProbablyMeant) {
  ExpectFailure({"statsu"}, kWrongUsage, "no command 'statsu'; did you mean 'stats'?");
  ExpectFailure({"xylophone"}, kWrongUsage, "no command 'xylophone' (");
  ExpectFailure({"help", "ini"}, kWrongUsage, "did you mean 'init'?");
  ExpectFailure({"stats", "--jsn"}, kWrongUsage, "no option '--jsn'; did you mean '--json'?");
  ExpectFailure({"--frobnicate"}, kWrongUsage, "no option '--frobnicate'");
  ExpectFailure({"why"}, kWrongUsage, "why needs CRATE");
  ExpectFailure({"why", "a", "b"}, kWrongUsage, "too many arguments");
  ExpectFailure({"completion", "ksh"}, kWrongUsage, "'ksh' is not one of bash, zsh, fish");
}

TEST_F(CommandLine, WithoutADaemonCommandsFailAndSayWhy) {
  for (const char* command : {"status", "doctor", "stats", "gc", "flush", "start"}) {
    ExpectFailure({command}, kFailed, "not running");
  }
  environment_["SMELT_DIR"] = "relative";
  ExpectFailure({"status"}, kFailed, "SMELT_DIR");
  ExpectFailure({"stop"}, kFailed, "SMELT_DIR");
}

TEST_F(CommandLine, CargoIsRunWithUsAsItsWrapper) {
  WriteFile(home_ / "cargo", "#!/bin/sh\necho \"$RUSTC_WRAPPER: $*\"\nexit 5\n", 0755);
  environment_["PATH"] = home_.path() + ":/usr/bin:/bin";
  Ended ended = Smelt({"cargo", "build", "--help"});
  EXPECT_EQ(ended.out, self_ + ": build --help\n");
  EXPECT_EQ(ended.wait_status, 5 << 8);
}

TEST_F(CommandLine, TheServersCommandsAreThoseOfTheProgramBesideUs) {
  fs::copy_file(self_, home_ / "smelt");
  WriteFile(home_ / "smelt-server", "#!/bin/sh\necho \"$*\"\nexit 6\n", 0755);
  const std::pair<std::vector<std::string>, const char*> kCases[] = {
      {{"server", "--config", "x"}, "--config x\n"},
      {{"server", "--help"}, "--help\n"},
      {{"dist-status", "--server", "grpc://x:1"}, "status --server grpc://x:1\n"},
      {{"gc", "--dry-run", "--server", "grpc://x:1"}, "gc --dry-run --server grpc://x:1\n"},
  };
  for (auto [arguments, expected] : kCases) {
    arguments.insert(arguments.begin(), home_ / "smelt");
    Ended ended = RunProcess(arguments, environment_, work_);
    EXPECT_EQ(ended.out, expected);
    EXPECT_EQ(ended.wait_status, 6 << 8) << ended.err;
  }
}

TEST_F(CommandLine, BashReadsItsCompletionAndCompletes) {
  WriteFile(home_ / "c", Smelt({"completion", "bash"}).out);
  auto completed = [&](const std::string& words) {
    return RunProcess({"/bin/bash", "-c",
                       "source " + (home_ / "c") + "; COMP_WORDS=(" + words +
                           "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _smelt; echo ${COMPREPLY[*]}"},
                      {})
        .out;
  };
  EXPECT_EQ(completed("smelt sta"), "status stats start\n");
  EXPECT_EQ(completed("smelt stats --"), "--json --reset --help\n");
  EXPECT_EQ(completed("smelt completion z"), "zsh\n");
  EXPECT_EQ(completed("smelt help fl"), "flush\n");
}

TEST_F(CommandLine, EveryShellsCompletionHasEveryCommandAndFlag) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    std::string script = CompletionScript(shell);
    EXPECT_EQ(Smelt({"completion", shell}).out, script);
    for (const CommandRow& command : Commands()) {
      EXPECT_NE(script.find(command.name), std::string::npos) << shell << " " << command.name;
      for (const Flag& flag : command.flags) {
        EXPECT_NE(script.find(flag.name.substr(2)), std::string::npos) << shell << " " << flag.name;
      }
    }
  }
}

// ---- init ----

TEST_F(CommandLine, InitSetsCargoUpOnce) {
  EXPECT_EQ(Smelt({"init", "--check"}).wait_status, kFailed << 8);
  EXPECT_EQ(Smelt({"init"}).wait_status, 0);
  EXPECT_EQ(Config(), SetTo(self_));
  EXPECT_EQ(Smelt({"init", "--check"}).wait_status, 0);
  struct stat before, after;
  ASSERT_EQ(stat((home_ / ".cargo/config.toml").c_str(), &before), 0);
  EXPECT_EQ(Smelt({"init"}).wait_status, 0);
  ASSERT_EQ(stat((home_ / ".cargo/config.toml").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(Config(), SetTo(self_));
}

TEST_F(CommandLine, InitLocalWritesBesideTheProjectAndCargoHomeIsHonoured) {
  environment_["CARGO_HOME"] = home_ / "ch";
  EXPECT_EQ(Smelt({"init", "--local"}).wait_status, 0);
  EXPECT_EQ(ReadFile(work_ + "/.cargo/config.toml"), SetTo(self_));
  EXPECT_EQ(Smelt({"init"}).wait_status, 0);
  EXPECT_EQ(ReadFile(home_ / "ch/config.toml"), SetTo(self_));
  ExpectFailure({"init", "--local", "--global"}, kWrongUsage, "exclude");
}

TEST_F(CommandLine, InitLeavesAnotherWrapperAloneUnlessForced) {
  fs::create_directory(home_ / ".cargo");
  const std::string text = "# mine\n[build]\njobs = 3\nrustc-wrapper = \"sccache\" # fast\n";
  WriteFile(home_ / ".cargo/config.toml", text, 0640);
  ExpectFailure({"init"}, kFailed, ".cargo/config.toml:4: rustc-wrapper is 'sccache'");
  ExpectFailure({"init", "--check"}, kFailed, ".cargo/config.toml:4");
  EXPECT_EQ(Config(), text);
  EXPECT_EQ(Smelt({"init", "--force"}).wait_status, 0);
  EXPECT_EQ(Config(), "# mine\n[build]\njobs = 3\nrustc-wrapper = \"" + self_ + "\" # fast\n");
  struct stat info;
  ASSERT_EQ(stat((home_ / ".cargo/config.toml").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST_F(CommandLine, InitRefusesWhatIsNoTomlAndNamesTheLine) {
  fs::create_directory(home_ / ".cargo");
  WriteFile(home_ / ".cargo/config.toml", "[net]\nretry = \n");
  ExpectFailure({"init"}, kFailed, ".cargo/config.toml:2: this is not TOML");
  EXPECT_EQ(Config(), "[net]\nretry = \n");
}

TEST_F(CommandLine, InitWritesTheLegacyFileWhereThereIsOne) {
  fs::create_directory(home_ / ".cargo");
  WriteFile(home_ / ".cargo/config", "");
  EXPECT_EQ(Smelt({"init"}).wait_status, 0);
  EXPECT_EQ(ReadFile(home_ / ".cargo/config"), SetTo(self_));
  EXPECT_FALSE(fs::exists(home_ / ".cargo/config.toml"));
}

TEST_F(CommandLine, InitWritesThroughASymbolicLink) {
  fs::create_directory(home_ / ".cargo");
  WriteFile(home_ / "dotfile", "");
  fs::create_symlink(home_ / "dotfile", home_ / ".cargo/config.toml");
  EXPECT_EQ(Smelt({"init"}).wait_status, 0);
  EXPECT_TRUE(fs::is_symlink(home_ / ".cargo/config.toml"));
  EXPECT_EQ(ReadFile(home_ / "dotfile"), SetTo(self_));
}

TEST_F(CommandLine, CheckSeesWhatComesBeforeTheFile) {
  EXPECT_EQ(Smelt({"init"}).wait_status, 0);
  environment_["RUSTC_WRAPPER"] = "";
  ExpectFailure({"init", "--check"}, kFailed, "RUSTC_WRAPPER is set to ''");
  environment_["RUSTC_WRAPPER"] = self_;
  EXPECT_EQ(Smelt({"init", "--check"}).wait_status, 0);
  environment_.erase("RUSTC_WRAPPER");
  fs::create_directory(work_ + "/.cargo");
  WriteFile(work_ + "/.cargo/config.toml", SetTo("other"));
  ExpectFailure({"init", "--check"}, kFailed, work_ + "/.cargo/config.toml:2: rustc-wrapper is 'other'");
  EXPECT_EQ(Smelt({"init", "--check", "--global"}).wait_status, 0);
}

TEST_F(CommandLine, InitSaysWhatItCannotWrite) {
  WriteFile(home_ / ".cargo", "a file");
  ExpectFailure({"init"}, kFailed, "cannot write " + (home_ / ".cargo/config.toml"));
}

// ---- what is a compile ----

TEST(IsWrapperCall, IsWhatCargoCalls) {
  EXPECT_TRUE(IsWrapperCall({"rustc", "-vV"}));
  EXPECT_TRUE(IsWrapperCall({"/absent/rustc"}));
  EXPECT_TRUE(IsWrapperCall({"/t/rustc-1.95"}));
  EXPECT_TRUE(IsWrapperCall({"clippy-driver", "rustc"}));
  EXPECT_TRUE(IsWrapperCall({"/bin/sh"}));
  EXPECT_FALSE(IsWrapperCall({}));
  EXPECT_FALSE(IsWrapperCall({"stats"}));
  EXPECT_FALSE(IsWrapperCall({"sh"}));
  EXPECT_FALSE(IsWrapperCall({"/tmp"}));
  EXPECT_FALSE(IsWrapperCall({"/absent/program"}));
}

TEST(Nearest, IsNearOrNothing) {
  EXPECT_EQ(Nearest("stat", {"start", "stats", "gc"}), "start");
  EXPECT_EQ(Nearest("zzzz", {"start", "gc"}), "");
  EXPECT_EQ(Nearest("", {"gc"}), "");
}

}  // namespace
}  // namespace smelt::wrapper
