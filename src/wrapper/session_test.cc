// One compile, with the program as cargo runs it and a daemon that the test scripts.

#include "src/wrapper/session.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "src/wire/build_id.h"
#include "src/wrapper/testing/fake_daemon.h"
#include "src/wrapper/testing/smelt_process.h"

namespace smelt::wrapper {
namespace {

using wire::Exit;
using wire::Output;
using wire::Plain;
using wire::Ran;
using wire::Working;
using WireRun = wire::Run;

int ExitStatus(int code) { return code << 8; }

WireRun Shell(const std::string& script) { return {{"sh", "-c", script}, {}, {}}; }

class Session : public testing::Test {
 protected:
  Session() {
    WriteFile(compiler_,
              "#!/bin/sh\necho run >>" + (dir_ / "runs") + "\necho plain out $*\necho plain err >&2\nexit 3\n", 0755);
  }

  SmeltProcess::Environment Environment() const {
    return {{"SMELT_DIR", dir_.path()}, {"SMELT_SOCKET", socket_}, {"SMELT_NO_START", "1"}};
  }

  std::vector<std::string> Command() const { return {kSmelt, compiler_, "--crate-name", "a"}; }

  Ended Compile() { return RunProcess(Command(), Environment()); }

  // The compiler has run once, as if there were no smelt, after `before` was written.
  void ExpectPlain(const Ended& ended, const std::string& before = "") {
    EXPECT_EQ(ended.wait_status, ExitStatus(3));
    EXPECT_EQ(ended.out, before + "plain out --crate-name a\n");
    EXPECT_EQ(ended.err, "plain err\n");
    EXPECT_EQ(ReadFile(dir_ / "runs"), "run\n");
  }

  // What the daemon is told after `run`.
  Ran RanAfter(const WireRun& run, Ended* ended) {
    Ran ran;
    FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                        end.Receive();
                        end.Send(run);
                        ran = std::get<Ran>(end.Receive());
                        end.Send(Exit{WIFEXITED(ran.wait_status) ? WEXITSTATUS(ran.wait_status) : 1});
                      }});
    *ended = Compile();
    return ran;
  }

  ShortTempDir dir_;
  const std::string socket_ = dir_ / "d.sock";
  const std::string compiler_ = dir_ / "rustc";
};

TEST_F(Session, AHitWritesWhatItIsGivenAndEndsWithItsCode) {
  std::promise<wire::Compile> received;
  FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                      received.set_value(std::get<wire::Compile>(end.Receive()));
                      end.Send(Working{});
                      end.Send(Output{true, "warning: x\n"});
                      end.Send(Output{false, "bytes\n"});
                      end.Send(Output{true, "no line end"});
                      end.Send(Exit{4});
                    }});
  const mode_t mask = umask(037);
  Ended ended = Compile();
  umask(mask);
  EXPECT_EQ(ended.wait_status, ExitStatus(4));
  EXPECT_EQ(ended.out, "bytes\n");
  EXPECT_EQ(ended.err, "warning: x\nno line end");
  EXPECT_EQ(ReadFile(dir_ / "runs"), "");
  const wire::Compile compile = received.get_future().get();
  EXPECT_EQ(compile.build_id, wire::BuildId());
  EXPECT_EQ(compile.command, (std::vector<std::string>{compiler_, "--crate-name", "a"}));
  EXPECT_EQ(compile.working_directory, std::filesystem::current_path().string());
  EXPECT_EQ(compile.umask, 037u);
  EXPECT_NE(std::find(compile.environment.begin(), compile.environment.end(), "SMELT_DIR=" + dir_.path()),
            compile.environment.end());
}

TEST_F(Session, AHugeHitArrivesWhole) {
  const std::string chunk(1 << 20, 'o');
  FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                      end.Receive();
                      for (int i = 0; i < 20; ++i) end.Send(Output{i % 2 == 0, chunk});
                      end.Send(Exit{0});
                    }});
  Ended ended = Compile();
  EXPECT_EQ(ended.wait_status, 0);
  EXPECT_EQ(ended.out.size(), 10u << 20);
  EXPECT_EQ(ended.err.size(), 10u << 20);
}

TEST_F(Session, AMissRunsWhatItIsToldAndTellsHowItEnded) {
  Ended ended;
  Ran ran = RanAfter(Shell("echo out; echo err >&2; exit 5"), &ended);
  EXPECT_EQ(ended.wait_status, ExitStatus(5));
  EXPECT_EQ(ended.out, "out\n");
  EXPECT_EQ(ended.err, "err\n");
  EXPECT_EQ(ran.wait_status, ExitStatus(5));
  EXPECT_EQ(ran.standard_output, "out\n");
  EXPECT_EQ(ran.standard_error, "err\n");
}

TEST_F(Session, TheDaemonsCodeCountsAfterARun) {
  FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                      end.Receive();
                      end.Send(Shell("exit 0"));
                      end.Receive();
                      end.Send(Working{});
                      end.Send(Output{true, "afterwards\n"});
                      end.Send(Exit{9});
                    }});
  Ended ended = Compile();
  EXPECT_EQ(ended.wait_status, ExitStatus(9));
  EXPECT_EQ(ended.err, "afterwards\n");
}

TEST_F(Session, PlainAfterARunRunsTheCompilerOnceMore) {
  FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                      end.Receive();
                      end.Send(Shell("exit 0"));
                      end.Receive();
                      end.Send(Plain{});
                    }});
  ExpectPlain(Compile());
}

TEST_F(Session, LinesAndPartsOfLinesPassBeforeTheCompilerEnds) {
  // Two: a gate that is opened again while its first writer is just closing it would open by itself.
  const std::string gate = dir_ / "gate", second_gate = dir_ / "second";
  ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
  ASSERT_EQ(mkfifo(second_gate.c_str(), 0600), 0);
  FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                      end.Receive();
                      end.Send(Shell("echo first >&2; read x <" + gate + "; printf part >&2; read x <" + second_gate));
                      end.Receive();
                      end.Send(Exit{0});
                    }});
  SmeltProcess smelt(Command(), Environment());
  // The child goes on only after what it has written has come through.
  EXPECT_TRUE(smelt.ReadErrUntil("first\n"));
  WriteFile(gate, "go\n", 0600);
  EXPECT_TRUE(smelt.ReadErrUntil("part"));
  WriteFile(second_gate, "go\n", 0600);
  EXPECT_EQ(smelt.Wait().err, "first\npart");
}

TEST_F(Session, PathsAreShownAsTheUserKnowsThemAndCapturedAsTheyWere) {
  WireRun run = Shell("echo 'at /v/w/a.rs and /v/wide and /v/x' >&2; echo /v/w/out");
  run.display = {{"/v/w", "/home/u/w"}};
  Ended ended;
  Ran ran = RanAfter(run, &ended);
  EXPECT_EQ(ended.err, "at /home/u/w/a.rs and /v/wide and /v/x\n");
  EXPECT_EQ(ended.out, "/v/w/out\n");
  EXPECT_EQ(ran.standard_error, "at /v/w/a.rs and /v/wide and /v/x\n");
}

TEST_F(Session, TheEnvironmentIsChangedAsTold) {
  WireRun run = Shell("echo ${SET-none} ${REPLACED-none} ${REMOVED-none} ${KEPT-none}");
  run.environment = {"SET=1=2", "REPLACED=new", "REMOVED"};
  FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                      end.Receive();
                      end.Send(run);
                      end.Receive();
                      end.Send(Exit{0});
                    }});
  auto environment = Environment();
  environment["REPLACED"] = "old";
  environment["REMOVED"] = "old";
  environment["KEPT"] = "kept";
  EXPECT_EQ(RunProcess(Command(), environment).out, "1=2 new none kept\n");
}

TEST_F(Session, HugeOutputOfTheCompilerPassesAndIsCaptured) {
  Ended ended;
  Ran ran = RanAfter(Shell("head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero"), &ended);
  EXPECT_EQ(ended.out.size(), 3000000u);
  EXPECT_EQ(ended.err.size(), 3000000u);
  EXPECT_EQ(ran.standard_output.size(), 3000000u);
  EXPECT_EQ(ran.standard_error.size(), 3000000u);
}

TEST_F(Session, MoreThanIsCapturedPassesAndIsNotToBeStored) {
  FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                      end.Receive();
                      end.Send(Shell("head -c 70000000 /dev/zero; exit 6"));
                      auto ran = std::get<Ran>(end.Receive());
                      EXPECT_EQ(ran.wait_status, wire::kWaitStatusNotCaptured);
                      EXPECT_EQ(ran.standard_output, "");
                      end.Send(Exit{1});
                    }});
  Ended ended = Compile();
  EXPECT_EQ(ended.out.size(), 70000000u);
  EXPECT_EQ(ended.wait_status, ExitStatus(6));
}

TEST_F(Session, ACommandThatCannotBeStartedIsReportedAndRunPlainly) {
  std::int32_t status = 0;
  {
    FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                        end.Receive();
                        end.Send(WireRun{{dir_ / "absent"}, {}, {}});
                        status = std::get<Ran>(end.Receive()).wait_status;
                      }});
    ExpectPlain(Compile());
  }
  EXPECT_EQ(status, wire::kWaitStatusNotStarted);
}

// ---- the daemon fails ----

TEST_F(Session, PlainAndOtherVersionRunTheCompilerPlainly) {
  for (const wire::Message& answer : {wire::Message(Plain{}), wire::Message(wire::OtherVersion{"2"})}) {
    {
      FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                          end.Receive();
                          end.Send(answer);
                        }});
      ExpectPlain(Compile());
    }
    std::filesystem::remove(dir_ / "runs");
    std::filesystem::remove(socket_);
  }
}

TEST_F(Session, ADaemonThatDiesBeforeItHasReadIsNotMissed) {
  FakeDaemon daemon(socket_, {[](DaemonEnd&) {}});
  ExpectPlain(Compile());
}

TEST_F(Session, ADaemonThatDiesAfterCompileIsNotMissed) {
  FakeDaemon daemon(socket_, {[](DaemonEnd& end) { end.Receive(); }});
  ExpectPlain(Compile());
}

TEST_F(Session, ADaemonThatDiesInsideAHitIsFollowedByAPlainCompile) {
  FakeDaemon daemon(socket_, {[](DaemonEnd& end) {
                      end.Receive();
                      end.Send(Output{false, "artifact\n"});
                    }});
  ExpectPlain(Compile(), "artifact\n");
}

TEST_F(Session, ADaemonThatDiesInsideAFrameIsNotMissed) {
  FakeDaemon daemon(socket_, {[](DaemonEnd& end) {
                      end.Receive();
                      end.SendRaw(std::string("\x20\0\0\0\x05", 5));
                    }});
  ExpectPlain(Compile());
}

TEST_F(Session, GarbageIsNotFollowed) {
  const std::string too_long("\xff\xff\xff\xff", 4), no_message("\x03\0\0\0zzz", 7);
  for (const std::string& garbage : {too_long, no_message}) {
    {
      FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                          end.Receive();
                          end.SendRaw(garbage);
                          end.WaitForClose();
                        }});
      ExpectPlain(Compile());
    }
    std::filesystem::remove(dir_ / "runs");
    std::filesystem::remove(socket_);
  }
}

TEST_F(Session, AMessageThatIsNotForUsIsNotFollowed) {
  FakeDaemon daemon(socket_, {[](DaemonEnd& end) {
                      end.Receive();
                      end.Send(Ran{});
                      end.WaitForClose();
                    }});
  ExpectPlain(Compile());
}

TEST_F(Session, SilenceIsADeadDaemon) {
  FakeDaemon daemon(socket_, {[](DaemonEnd& end) { end.WaitForClose(); }});
  auto environment = Environment();
  environment["SMELT_SILENCE_MS"] = "30";
  ExpectPlain(RunProcess(Command(), environment));
}

TEST_F(Session, ADaemonThatDiesWhileTheCompilerRunsIsNotMissed) {
  FakeDaemon daemon(socket_, {[](DaemonEnd& end) {
                      end.Receive();
                      end.Send(Shell("echo once; exit 7"));
                    }});
  Ended ended = Compile();
  EXPECT_EQ(ended.wait_status, ExitStatus(7));
  EXPECT_EQ(ended.out, "once\n");
  EXPECT_EQ(ReadFile(dir_ / "runs"), "");
}

TEST_F(Session, AfterTheCompilerHasRunItsOwnStatusCountsWhateverTheDaemonDoes) {
  using Misbehaviour = std::function<void(DaemonEnd&)>;
  const std::vector<Misbehaviour> misbehaviours = {
      [](DaemonEnd&) {},                                                     // dies
      [](DaemonEnd& end) { end.SendRaw(std::string("\x03\0\0\0zzz", 7)); },  // talks nonsense
      [](DaemonEnd& end) { end.Send(wire::OtherVersion{"2"}); },             // changes its mind
      [](DaemonEnd& end) { end.Send(Shell("echo twice")); },                 // asks again
      [](DaemonEnd& end) { end.WaitForClose(); },                            // hangs
  };
  for (const Misbehaviour& misbehave : misbehaviours) {
    {
      FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                          end.Receive();
                          end.Send(Shell("echo once; exit 7"));
                          end.Receive();
                          misbehave(end);
                        }});
      auto environment = Environment();
      environment["SMELT_SILENCE_MS"] = "1000";
      Ended ended = RunProcess(Command(), environment);
      EXPECT_EQ(ended.wait_status, ExitStatus(7));
      EXPECT_EQ(ended.out, "once\n");
      EXPECT_EQ(ended.err, "");
      EXPECT_EQ(ReadFile(dir_ / "runs"), "");
    }
    std::filesystem::remove(socket_);
  }
}

TEST_F(Session, WithoutADaemonNothingOfOursIsWritten) { ExpectPlain(Compile()); }

TEST_F(Session, DisabledDoesNotEvenConnect) {
  auto environment = Environment();
  environment["SMELT_DISABLE"] = "1";
  std::atomic<bool> connected = false;
  {
    FakeDaemon daemon(socket_,
                      {[&](DaemonEnd& end) { connected = std::holds_alternative<wire::Compile>(end.Receive()); }});
    ExpectPlain(RunProcess(Command(), environment));
    // Lets the fake daemon go.
    RunProcess({kSmelt, "status"}, Environment());
  }
  EXPECT_FALSE(connected);
}

TEST_F(Session, WithoutAnyDirectoryTheCompilerRuns) { ExpectPlain(RunProcess(Command(), {})); }

TEST_F(Session, ACompilerThatIsNotThereEndsAsInAShell) {
  Ended ended = RunProcess({kSmelt, dir_ / "rustc-absent"}, Environment());
  EXPECT_EQ(ended.wait_status, ExitStatus(127));
  EXPECT_NE(ended.err.find("rustc-absent: No such file"), std::string::npos);
  WriteFile(dir_ / "rustc-no", "", 0644);
  EXPECT_EQ(RunProcess({kSmelt, dir_ / "rustc-no"}, Environment()).wait_status, ExitStatus(126));
}

TEST_F(Session, ACompilerWithoutASlashIsFoundInPath) {
  auto environment = Environment();
  environment["PATH"] = dir_.path() + ":" + getenv("PATH");
  ExpectPlain(RunProcess({kSmelt, "rustc", "--crate-name", "a"}, environment));
}

// ---- descriptors and signals ----

TEST_F(Session, TheJobserverReachesTheCompilerAndNothingOfOursDoes) {
  int jobs[2];
  ASSERT_EQ(pipe2(jobs, O_CLOEXEC), 0);
  ASSERT_EQ(write(jobs[1], "+", 1), 1);
  const std::string script = "head -c 1 <&8; printf - >&9; echo; cd /proc/$$/fd && echo *";
  const std::map<int, int> fds = {{8, jobs[0]}, {9, jobs[1]}};
  Ended ended;
  {
    FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                        end.Receive();
                        end.Send(Shell(script));
                        end.Receive();
                        end.Send(Exit{0});
                      }});
    ended = SmeltProcess(Command(), Environment(), fds).Wait();
  }
  char token = 0;
  ASSERT_EQ(read(jobs[0], &token, 1), 1);
  EXPECT_EQ(token, '-');
  // The same without us.
  ASSERT_EQ(write(jobs[1], "+", 1), 1);
  Ended alone = SmeltProcess({"/bin/sh", "-c", script}, Environment(), fds).Wait();
  EXPECT_EQ(ended.out, alone.out);
  EXPECT_EQ(ended.out[0], '+');
}

TEST_F(Session, NothingOfOursIsLeftOpenInAPlainCompiler) {
  WriteFile(compiler_, "#!/bin/sh\ncd /proc/$$/fd && echo *\n", 0755);
  FakeDaemon daemon(socket_, {[](DaemonEnd& end) {
                      end.Receive();
                      end.Send(Plain{});
                    }});
  Ended ended = Compile();
  EXPECT_EQ(ended.out, RunProcess({compiler_}, Environment()).out);
}

TEST_F(Session, ACompilerKilledByASignalMakesUsEndByIt) {
  Ended ended;
  Ran ran;
  {
    FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                        end.Receive();
                        end.Send(Shell("ulimit -c 0; kill -SEGV $$"));
                        ran = std::get<Ran>(end.Receive());
                      }});
    ended = Compile();
  }
  EXPECT_TRUE(WIFSIGNALED(ran.wait_status) && WTERMSIG(ran.wait_status) == SIGSEGV);
  EXPECT_TRUE(WIFSIGNALED(ended.wait_status)) << ended.wait_status;
  EXPECT_EQ(WTERMSIG(ended.wait_status), SIGSEGV);
  EXPECT_FALSE(WCOREDUMP(ended.wait_status));
}

TEST_F(Session, SignalsArePassedOnAndTheCompilersEndIsAwaited) {
  for (int number : {SIGTERM, SIGINT, SIGHUP}) {
    FakeDaemon daemon(
        socket_, {[&](DaemonEnd& end) {
          end.Receive();
          end.Send(Shell("trap 'exit 7' TERM INT HUP; echo ready >&2; sleep 1000 >/dev/null 2>&1 & wait $!; exit 1"));
          EXPECT_EQ(std::get<Ran>(end.Receive()).wait_status, ExitStatus(7));
          end.Send(Exit{7});
        }});
    {
      SmeltProcess smelt(Command(), Environment());
      ASSERT_TRUE(smelt.ReadErrUntil("ready"));
      ASSERT_EQ(kill(smelt.pid(), number), 0);
      EXPECT_EQ(smelt.Wait().wait_status, ExitStatus(7)) << number;
    }
    std::filesystem::remove(socket_);
  }
}

TEST_F(Session, ASignalThatKillsTheCompilerKillsUs) {
  FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                      end.Receive();
                      end.Send(Shell("echo ready >&2; exec sleep 1000"));
                      end.Receive();
                    }});
  SmeltProcess smelt(Command(), Environment());
  ASSERT_TRUE(smelt.ReadErrUntil("ready"));
  ASSERT_EQ(kill(smelt.pid(), SIGTERM), 0);
  int status = smelt.Wait().wait_status;
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
}

TEST_F(Session, TheCompilerDoesNotOutliveUs) {
  FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                      end.Receive();
                      end.Send(Shell("echo ready >&2; exec sleep 1000"));
                      end.WaitForClose();
                    }});
  SmeltProcess smelt(Command(), Environment());
  ASSERT_TRUE(smelt.ReadErrUntil("ready"));
  ASSERT_EQ(kill(smelt.pid(), SIGKILL), 0);
  // Ends only when nobody holds stdout and stderr any more: when the compiler has gone too.
  int status = smelt.Wait().wait_status;
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

TEST_F(Session, AWrapperKilledWhileItWaitsClosesTheConnection) {
  std::promise<void> received;
  FakeDaemon daemon(socket_, {[&](DaemonEnd& end) {
                      end.Receive();
                      received.set_value();
                      end.WaitForClose();
                    }});
  SmeltProcess smelt(Command(), Environment());
  received.get_future().wait();
  ASSERT_EQ(kill(smelt.pid(), SIGINT), 0);
  int status = smelt.Wait().wait_status;
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) << status;
}

}  // namespace
}  // namespace smelt::wrapper
