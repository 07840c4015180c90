#include "src/daemon/cargo_call.h"

#include "gmock/gmock.h"

namespace smelt {
namespace {

using testing::Optional;

std::optional<ForeseenBuild> Foresee(std::vector<std::string> arguments) {
  return ForeseeBuild({"/home/me/app", std::move(arguments)});
}

TEST(CargoCall, CommandAndProfileAreWhatTheOutputsDirectorySays) {
  const std::string here = "/home/me/app";
  const std::vector<std::pair<std::vector<std::string>, ForeseenBuild>> cases = {
      {{"cargo", "build"}, {here, "debug", true}},
      {{"/home/me/.cargo/bin/cargo", "b", "--offline", "--locked"}, {here, "debug", true}},
      {{"cargo", "+stable", "--color", "never", "-v", "run", "-r"}, {here, "release", true}},
      {{"cargo", "--config", "build.jobs=1", "test", "--release", "name"}, {here, "release", true}},
      {{"cargo", "test", "--", "--release"}, {here, "debug", true}},
      {{"cargo", "bench"}, {here, "release", true}},
      {{"cargo", "build", "--profile", "dev"}, {here, "debug", true}},
      {{"cargo", "build", "--profile=bench"}, {here, "release", true}},
      {{"cargo", "build", "--profile=dist"}, {here, "dist", true}},
      {{"cargo", "build", "--profile"}, {here, "debug", true}},
      {{"cargo", "check", "--all"}, {here, "debug", false}},
      {{"cargo", "build", "--target", "wasm32-wasip1"}, {here, "debug", true, "wasm32-wasip1"}},
      {{"cargo", "rustc", "--target=wasm32-wasip1", "-r"}, {here, "release", true, "wasm32-wasip1"}},
      {{"cargo", "clippy", "--release"}, {here, "release", false}},
      {{"cargo", "build", "--manifest-path", "/src/x/Cargo.toml"}, {"/src/x", "debug", true}},
      {{"cargo", "build", "--manifest-path=x/Cargo.toml"}, {here + "/x", "debug", true}},
      {{"cargo", "-C", "sub", "build", "--manifest-path=x/Cargo.toml"}, {here + "/sub/x", "debug", true}},
  };
  for (const auto& [arguments, build] : cases) {
    EXPECT_THAT(Foresee(arguments), Optional(build)) << testing::PrintToString(arguments);
  }
}

TEST(CargoCall, OfWhatIsNoBuildNothingIsForeseen) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{},
                                                                                         {"cargo"},
                                                                                         {"cargo", "--version"},
                                                                                         {"cargo", "--color"},
                                                                                         {"cargo", "metadata"},
                                                                                         {"cargo", "xtask", "build"},
                                                                                         {"make", "build"},
                                                                                         {"bash", "-c", "rustc -vV"}}) {
    EXPECT_EQ(Foresee(arguments), std::nullopt) << testing::PrintToString(arguments);
  }
  EXPECT_EQ(ForeseeBuild({"", {"cargo", "build"}}), std::nullopt);
}

}  // namespace
}  // namespace smelt
