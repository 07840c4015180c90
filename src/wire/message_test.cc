#include "src/wire/message.h"

#include <gtest/gtest.h>

#include "src/wire/build_id.h"

namespace smelt::wire {
namespace {

// One of each, with every field set to something that is not its default.
std::vector<Message> Samples() {
  return {
      Compile{"1+wire1", {"rustc", "--crate-name", ""}, "/w", {"A=1", "B="}, 077},
      Command{"1+wire1", {"stats", "--json"}, "/w", {"A=1"}, true},
      Ran{-2, std::string("\0\xff\n", 3), "warning\n"},
      Working{},
      Output{true, std::string(1000, 'x')},
      Exit{-7},
      Run{{"rustc", "a"}, {"SET=1", "UNSET"}, {{"/smelt/w", "/home/u/w"}, {"/smelt/c", "/home/u/.cargo"}}},
      Plain{},
      OtherVersion{"2+wire9"},
  };
}

TEST(Message, EveryKindComesBackAsItWas) {
  ASSERT_EQ(Samples().size(), std::variant_size_v<Message>);
  for (const Message& sample : Samples()) {
    std::string payload = Encode(sample);
    std::optional<Message> decoded = Decode(payload);
    ASSERT_TRUE(decoded.has_value()) << sample.index();
    EXPECT_EQ(decoded->index(), sample.index());
    EXPECT_EQ(Encode(*decoded), payload) << sample.index();
  }
}

TEST(Message, FieldsLandInTheirPlaces) {
  auto compile = std::get<Compile>(*Decode(Encode(Samples()[0])));
  EXPECT_EQ(compile.build_id, "1+wire1");
  EXPECT_EQ(compile.command, (std::vector<std::string>{"rustc", "--crate-name", ""}));
  EXPECT_EQ(compile.working_directory, "/w");
  EXPECT_EQ(compile.environment, (std::vector<std::string>{"A=1", "B="}));
  EXPECT_TRUE(std::get<Command>(*Decode(Encode(Samples()[1]))).terminal);
  auto ran = std::get<Ran>(*Decode(Encode(Samples()[2])));
  EXPECT_EQ(ran.wait_status, kWaitStatusNotCaptured);
  EXPECT_EQ(ran.standard_output, std::string("\0\xff\n", 3));
  EXPECT_EQ(ran.standard_error, "warning\n");
  EXPECT_EQ(std::get<Exit>(*Decode(Encode(Samples()[5]))).code, -7);
  auto run = std::get<wire::Run>(*Decode(Encode(Samples()[6])));
  EXPECT_EQ(run.environment[1], "UNSET");
  EXPECT_EQ(run.display[1].second, "/home/u/.cargo");
}

TEST(Message, TheBytesAreThoseOfTheProtocol) {
  EXPECT_EQ(Encode(Exit{258}), std::string("\x06\x02\x01\x00\x00", 5));
  EXPECT_EQ(Encode(Output{true, "hi"}), std::string("\x05\x01\x02\x00\x00\x00hi", 8));
  EXPECT_EQ(Encode(OtherVersion{"v"}), std::string("\x09\x01\x00\x00\x00v", 6));
}

TEST(Message, EveryTruncationAndEveryTrailingByteIsRefused) {
  for (const Message& sample : Samples()) {
    std::string payload = Encode(sample);
    for (std::size_t size = 0; size < payload.size(); ++size) {
      EXPECT_FALSE(Decode(payload.substr(0, size)).has_value()) << sample.index() << " cut to " << size;
    }
    EXPECT_FALSE(Decode(payload + '\0').has_value()) << sample.index();
  }
}

TEST(Message, UnknownTagsAndTruthValuesAreRefused) {
  EXPECT_FALSE(Decode(std::string(1, '\0')).has_value());
  EXPECT_FALSE(Decode("\x0a").has_value());
  EXPECT_FALSE(Decode("\xff").has_value());
  EXPECT_FALSE(Decode(std::string("\x05\x02\x00\x00\x00\x00", 6)).has_value());
}

TEST(Message, ACountThatThePayloadCannotHoldIsRefused) {
  std::string payload("\x01\x00\x00\x00\x00\xff\xff\xff\xff", 9);
  EXPECT_FALSE(Decode(payload).has_value());
}

TEST(PeekBuildId, ReadsTheIdOfFirstFramesThatCannotBeDecoded) {
  std::string later = Encode(Samples()[0]) + "a field of the future";
  EXPECT_FALSE(Decode(later).has_value());
  EXPECT_EQ(PeekBuildId(later), "1+wire1");
  EXPECT_EQ(PeekBuildId(Encode(Samples()[1])), "1+wire1");
}

TEST(PeekBuildId, ReadsNothingElse) {
  EXPECT_EQ(PeekBuildId(""), std::nullopt);
  EXPECT_EQ(PeekBuildId(Encode(OtherVersion{"x"})), std::nullopt);
  EXPECT_EQ(PeekBuildId(std::string("\x01\x05\x00\x00\x00"
                                    "abcd",
                                    9)),
            std::nullopt);
}

TEST(BuildId, NamesVersionAndProtocolUnlessATestSaysOtherwise) {
  unsetenv("SMELT_BUILD_ID_FOR_TEST");
  EXPECT_EQ(BuildId(), std::string(kVersion) + "+wire" + std::to_string(kProtocolVersion));
  setenv("SMELT_BUILD_ID_FOR_TEST", "other", 1);
  EXPECT_EQ(BuildId(), "other");
  unsetenv("SMELT_BUILD_ID_FOR_TEST");
}

}  // namespace
}  // namespace smelt::wire
