#include "src/daemon/commands.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "src/daemon/command.h"
#include "src/daemon/testing/daemon_fixture.h"

namespace smelt {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CommandsTest : public DaemonFixture {
 protected:
  struct Answer {
    int code;
    std::string text, error;
  };

  Answer Run(std::vector<std::string> arguments, std::vector<std::string> environment = {"PATH=/usr/bin:/bin"}) {
    ScriptedWrapper client([](const wire::Run&) { return std::nullopt; });
    Commands().Handle({"", std::move(arguments), "/", std::move(environment), false}, client);
    EXPECT_TRUE(client.exit_code.has_value());
    return {client.exit_code.value_or(-1), client.standard_output, client.standard_error};
  }

  CommandHandler Commands() {
    return CommandHandler({files_,
                           Clock::System(),
                           *daemon_->store,
                           daemon_->counters,
                           daemon_->journal,
                           dir_.path(),
                           dir_ / "sock",
                           options_.observer,
                           configuration_,
                           Clock::System().NowNanos(),
                           drain_,
                           [this](bool at_once) { stopped_ = at_once ? "at once" : "when idle"; },
                           {},
                           bucket_settings_});
  }

  json RunJson(std::vector<std::string> arguments) {
    arguments.push_back("--json");
    const Answer answer = Run(arguments);
    json parsed = json::parse(answer.text, nullptr, false);
    EXPECT_TRUE(parsed.is_object()) << answer.text << answer.error;
    return parsed;
  }

  std::string Key() { return daemon_->journal.LastOf("a")->key; }

  std::string configuration_, bucket_settings_;
  Drain drain_;
  std::string stopped_;
};

TEST_F(CommandsTest, WrongUsageIsSaidAndEndsWithTwo) {
  const std::vector<std::vector<std::string>> kCalls = {
      {},
      {"no-such"},
      {"stats", "--yaml"},
      {"stats", "x"},
      {"status", "x"},
      {"status", "-v"},
      {"why"},
      {"why", "a", "b"},
      {"why", "--json"},
      {"show"},
      {"show", "x"},
      {"show", "-x"},
      {"gc", "x"},
      {"gc", "--json"},
      {"flush", "x"},
      {"doctor", "x"},
      {"stop", "now"},
      {"doctor", "--fix"},
      {"st\xff"},
      {"show", "\xff"},
      {""},
      {"show", std::string(64, 'a')},
  };
  for (const auto& call : kCalls) {
    const Answer answer = Run(call);
    EXPECT_EQ(answer.code, 2) << testing::PrintToString(call);
    EXPECT_THAT(answer.error, HasSubstr("smelt")) << testing::PrintToString(call);
    EXPECT_EQ(answer.text, "") << testing::PrintToString(call);
  }
  EXPECT_EQ(stopped_, "");
}

TEST_F(CommandsTest, StatsCountWhatHappened) {
  Compile(one_);
  Compile(two_);
  one_.arguments = {"--no-such-flag"};
  Compile(one_);
  const json stats = RunJson({"stats"});
  EXPECT_EQ(stats["compile_requests"], 3);
  EXPECT_EQ(stats["hits"], 1);
  EXPECT_EQ(stats["misses"], 1);
  EXPECT_EQ(stats["stored"], 1);
  EXPECT_EQ(stats["refusals"]["unknown_flag"], 1);
  EXPECT_GT(stats["bytes_restored"], 20'000);
  const Answer text = Run({"stats"});
  EXPECT_EQ(text.code, 0);
  EXPECT_THAT(text.text, AllOf(HasSubstr("50.0 % of 2"), HasSubstr("unknown_flag")));
}

TEST_F(CommandsTest, StatsOfNothingAreZeroes) {
  const json stats = RunJson({"stats"});
  EXPECT_EQ(stats["hits"], 0);
  EXPECT_TRUE(stats["not_stored"].is_object());
  EXPECT_EQ(Run({"stats"}).code, 0);
}

TEST_F(CommandsTest, StatsAreShownOnceMoreWhenTheyAreReset) {
  Compile(one_);
  EXPECT_EQ(RunJson({"stats", "--reset"})["misses"], 1);
  EXPECT_EQ(RunJson({"stats"})["misses"], 0);
  Restart();
  EXPECT_EQ(RunJson({"stats"})["misses"], 0);
}

TEST_F(CommandsTest, StatusDescribesTheDaemonAndItsStore) {
  Compile(one_);
  configuration_ = "/etc/\xff.toml";
  const json status = RunJson({"status"});
  EXPECT_EQ(status["pid"], getpid());
  EXPECT_EQ(status["store"]["directory"], dir_.path());
  EXPECT_GT(status["store"]["bytes"], 20'000);
  EXPECT_GE(status["uptime_seconds"], 0);
  EXPECT_THAT(Run({"status"}).text, AllOf(HasSubstr(dir_.path()), Not(HasSubstr("NOTHING IS STORED"))));
  options_.observer = "";
  EXPECT_THAT(Run({"status"}).text, HasSubstr("NOTHING IS STORED"));
}

TEST_F(CommandsTest, WhyNamesWhatChanged) {
  Compile(one_);
  EXPECT_THAT(Run({"why", "a"}).text, AllOf(HasSubstr("was compiled and stored"), HasSubstr("key " + Key())));
  one_.Write("src/m.rs", "fn other\n");
  Compile(one_);
  const Answer why = Run({"why", "a"});
  EXPECT_EQ(why.code, 0);
  EXPECT_THAT(why.text, HasSubstr("changed: file /smelt/workspace/src/m.rs"));
  EXPECT_THAT(why.text, Not(HasSubstr("lib.rs")));
  Compile(one_);
  EXPECT_THAT(Run({"why", "a"}).text, HasSubstr("was taken from the cache"));
}

TEST_F(CommandsTest, WhyNamesTheReasonForNotStoring) {
  one_.Write("src/lib.rs", "macro-exec /usr/bin/git\n");
  Compile(one_);
  EXPECT_THAT(Run({"why", "a"}).text, HasSubstr("not stored"));
  EXPECT_THAT(Run({"why", "a"}).text, HasSubstr("ran_a_program (/usr/bin/git)"));
  one_.arguments = {"--no-such-flag"};
  Compile(one_);
  EXPECT_THAT(Run({"why", "a"}).text, HasSubstr("was not looked up"));
}

TEST_F(CommandsTest, WhyOfNothingIsOne) {
  const Answer why = Run({"why", "never-seen"});
  EXPECT_EQ(why.code, 1);
  EXPECT_THAT(why.error, HasSubstr("never-seen"));
}

TEST_F(CommandsTest, ShowListsWhatIsStoredUnderAKey) {
  Compile(one_);
  const Answer show = Run({"show", Key()});
  EXPECT_EQ(show.code, 0);
  EXPECT_THAT(show.text, AllOf(HasSubstr("/smelt/build/deps/liba-1.rlib"), Not(HasSubstr("MISSING"))));
  const json files = RunJson({"show", Key()})["output_files"];
  ASSERT_EQ(files.size(), 3u);
  EXPECT_TRUE(files[0]["is_here"]);
  std::filesystem::remove_all(dir_ / "cache/store/blobs");
  EXPECT_THAT(Run({"show", Key()}).text, HasSubstr("MISSING"));
}

TEST_F(CommandsTest, ShowOfNothingIsOne) {
  const Answer show = Run({"show", std::string(64, 'a') + "/1"});
  EXPECT_EQ(show.code, 1);
  EXPECT_THAT(show.error, HasSubstr("nothing is stored"));
}

TEST_F(CommandsTest, GcSaysWhatItDoesAndWouldDo) {
  Compile(one_);
  EXPECT_THAT(Run({"gc", "--dry-run"}).text, HasSubstr("Would remove"));
  EXPECT_THAT(Run({"gc"}).text, HasSubstr("Removed"));
  one_.RemoveTarget();
  EXPECT_FALSE(CompileAndCheck(one_).ran) << "nothing was too much";
}

TEST_F(CommandsTest, DoctorFindsWhatIsWrong) {
  const Answer well = Run({"doctor"});
  EXPECT_THAT(well.text, HasSubstr("behind builds"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "cache/doctor"));
  EXPECT_THAT(well.text, HasSubstr("ok      the observer is"));
  options_.observer = "";
  const Answer ill = Run({"doctor"}, {"PATH=/nonexistent", "RUSTC_WRAPPER=sccache"});
  EXPECT_EQ(ill.code, 1);
  EXPECT_THAT(ill.text, AllOf(HasSubstr("PROBLEM libsmelt_observer.so"), HasSubstr("mend:"),
                              HasSubstr("there is no rustc in PATH"), HasSubstr("there is no cc in PATH"),
                              HasSubstr("RUSTC_WRAPPER is 'sccache'")));
  const json doctor = RunJson({"doctor"});
  EXPECT_FALSE(doctor["good"]);
  EXPECT_GT(doctor["findings"].size(), 5u);
}

TEST_F(CommandsTest, DoctorShowsTheSettingsOfABucket) {
  EXPECT_THAT(Run({"doctor"}).text, Not(HasSubstr("[cache.s3]")));
  bucket_settings_ = "bucket = \"b\"";
  EXPECT_THAT(Run({"doctor"}).text, HasSubstr("ok      [cache.s3] has bucket = \"b\"\n"));
}

TEST_F(CommandsTest, DoctorFindsACacheThatCannotBeUsed) {
  files_.Inject({.call = Call::kFreeBytes});
  EXPECT_THAT(Run({"doctor"}).text, HasSubstr("PROBLEM only 0 B are free"));
}

TEST_F(CommandsTest, StopStops) {
  EXPECT_EQ(Run({"stop"}).code, 0);
  EXPECT_EQ(stopped_, "when idle");
}

TEST_F(CommandsTest, FlushSavesCounters) {
  Compile(one_);
  EXPECT_EQ(Run({"flush"}).code, 0);
  Restart();
  EXPECT_EQ(Count("misses"), 1);
}

TEST(HumanBytes, HaveOneDecimal) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(1000), "1.0 kB");
  EXPECT_EQ(HumanBytes(1'500'000'000), "1.5 GB");
  EXPECT_EQ(HumanBytes(std::int64_t{1} << 62), "4.6 EB");
}

TEST(HumanSeconds, HaveAUnitThatFits) {
  EXPECT_EQ(HumanSeconds(0), "0 s");
  EXPECT_EQ(HumanSeconds(119), "119 s");
  EXPECT_EQ(HumanSeconds(120), "2 min");
  EXPECT_EQ(HumanSeconds(7200), "2 h");
  EXPECT_EQ(HumanSeconds(4 * 86400), "4 d");
  EXPECT_EQ(HumanSeconds(-5), "0 s") << "a clock that went back";
}

TEST_F(CommandsTest, StopWaitsForCompilesUnlessItIsSaidTwice) {
  std::optional<Drain::Work> compile(drain_.Begin());
  ScriptedWrapper client([](const wire::Run&) { return std::nullopt; });
  client.on_working = [&] {
    EXPECT_EQ(stopped_, "") << "while something is compiled";
    EXPECT_EQ(Run({"stop"}).code, 0);
    EXPECT_EQ(std::exchange(stopped_, ""), "at once");
    compile.reset();
  };
  Commands().Handle({"", {"stop"}, "/", {}, /*terminal=*/true}, client);
  EXPECT_EQ(client.working, 1);
  EXPECT_THAT(client.standard_error, HasSubstr("1 compile to end"));
  EXPECT_EQ(stopped_, "when idle");
}

}  // namespace
}  // namespace smelt
