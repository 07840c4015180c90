#include "src/daemon/questions.h"

#include <string>
#include <vector>

#include "src/daemon/testing/daemon_fixture.h"

namespace smelt {
namespace {

class QuestionsTest : public DaemonFixture {
 protected:
  wire::Compile Question(std::vector<std::string> arguments) {
    wire::Compile request = one_.Request();
    request.command = {toolchain_.rustc()};
    request.command.insert(request.command.end(), arguments.begin(), arguments.end());
    return request;
  }

  std::optional<std::string> KeyOfRequest(const wire::Compile& request) {
    const auto question = Questions::Understand(request);
    return question ? daemon_->questions.KeyOf(request, *question) : std::nullopt;
  }

  std::optional<std::string> KeyOf(std::vector<std::string> arguments) {
    return KeyOfRequest(Question(std::move(arguments)));
  }

  // Asks the daemon; "ran" if it had the compiler answer, "plain" if it would have nothing to do with it.
  std::string Ask(const wire::Compile& request, const std::string& answer, int wait_status = 0) {
    ScriptedWrapper wrapper([&](const wire::Run& run) {
      EXPECT_EQ(run.command, request.command);
      return wire::Ran{wait_status, answer, "and an error"};
    });
    daemon_->compiles.Handle(request, wrapper);
    if (wrapper.plain) return "plain";
    EXPECT_EQ(wrapper.standard_error, "and an error");
    return (wrapper.run ? "ran: " : "told: ") + wrapper.standard_output;
  }
};

TEST_F(QuestionsTest, CargosOwnAreQuestions) {
  EXPECT_TRUE(KeyOf({"-vV"}));
  EXPECT_TRUE(KeyOf({"-V"}));
  EXPECT_TRUE(KeyOf({"-", "--crate-name", "___", "--print=file-names", "--crate-type", "bin", "--print=cfg"}));
}

TEST_F(QuestionsTest, WhatDependsOnMoreIsNone) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {},
           {"-v"},
           {"src/lib.rs"},
           {"--print=cfg", "@file"},
           {"-", "--print=cfg", "-Ctarget-cpu=native"},
           {"-", "--print=cfg", "--target=x.json"},
           {"-", "--print=cfg", "--sysroot", "/x"},
           {"-", "--print=cfg", "-Zunstable-options"},
           {"-", "--print=cfg", "--emit=metadata"},
           {"-", "--print=cfg", "-o", "x"},
           {"-", "--crate-name", "x"},
       }) {
    EXPECT_FALSE(KeyOf(arguments)) << testing::PrintToString(arguments);
  }
}

TEST_F(QuestionsTest, ACompilerOfARelativeNameIsAnybodysGuess) {
  wire::Compile request = Question({"-vV"});
  for (const char* compiler : {"rustc", "./rustc", "bin/rustc"}) {
    request.command[0] = compiler;
    EXPECT_FALSE(KeyOfRequest(request)) << compiler;
  }
}

TEST_F(QuestionsTest, ArgumentsVariablesAndTheToolchainTellThemApart) {
  const std::vector<std::string> kCfg = {"-", "--print=cfg"};
  const auto key = KeyOf(kCfg);
  EXPECT_EQ(KeyOf(kCfg), key);
  EXPECT_NE(KeyOf({"-", "--print=cfg", "--cfg", "x"}), key);
  wire::Compile request = Question(kCfg);
  request.environment.push_back("RUSTC_BOOTSTRAP=1");
  EXPECT_NE(KeyOfRequest(request), key);
  FakeToolchain same(dir_ / "elsewhere/toolchain");
  request = Question(kCfg);
  request.command[0] = same.rustc();
  EXPECT_NE(KeyOfRequest(request), key) << "the answer names the sysroot";
  WriteAndWait(toolchain_.library(), "another core");
  EXPECT_NE(KeyOf(kCfg), key);
}

TEST_F(QuestionsTest, AreAskedOnceAndThenAnswered) {
  const wire::Compile request = Question({"-vV"});
  EXPECT_EQ(Ask(request, "rustc 1.95.0"), "ran: rustc 1.95.0");
  EXPECT_EQ(Ask(request, "never asked"), "told: rustc 1.95.0");
  Restart();
  EXPECT_EQ(Ask(request, "never asked"), "told: rustc 1.95.0");
  EXPECT_EQ(Count("hits") + Count("misses"), 0);
}

TEST_F(QuestionsTest, AnErrorIsNoAnswer) {
  const wire::Compile request = Question({"-", "--print=nonsense"});
  EXPECT_EQ(Ask(request, "", 1 << 8), "ran: ");
  EXPECT_EQ(Ask(request, "now it works"), "ran: now it works");
}

TEST_F(QuestionsTest, OthersRunPlainly) {
  EXPECT_EQ(Ask(Question({"--explain", "E0425"}), ""), "plain");
  EXPECT_EQ(Count("refusals.not_a_compile"), 1);
  EXPECT_EQ(Count("refused"), 0);
}

TEST_F(QuestionsTest, AWrapperThatDiesTeachesNothing) {
  const wire::Compile request = Question({"-vV"});
  ScriptedWrapper dying([](const wire::Run&) { return std::nullopt; });
  daemon_->compiles.Handle(request, dying);
  EXPECT_EQ(Ask(request, "rustc"), "ran: rustc");
}

TEST_F(QuestionsTest, AHugeAnswerIsNotRemembered) {
  const wire::Compile request = Question({"-vV"});
  const std::string huge(2 << 20, 'x');
  Ask(request, huge);
  EXPECT_EQ(Ask(request, huge), "ran: " + huge);
}

TEST_F(QuestionsTest, ABrokenRecordIsNoAnswer) {
  const auto key = KeyOf({"-vV"});
  Table& table = daemon_->store->table("toolchains");
  for (const char* broken : {"", "x", "5", "5:abc", "-1:abc", "99999999999999999999:abc", ":"}) {
    ASSERT_OK(table.Put(*key, broken));
    const auto answer = daemon_->questions.Find(*key);
    EXPECT_TRUE(!answer || answer->standard_output.size() <= 3) << broken;
  }
}

}  // namespace
}  // namespace smelt
