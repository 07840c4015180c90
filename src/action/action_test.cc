#include "src/action/action.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;
using ::testing::Contains;
using ::testing::ElementsAre;

UnitKey SomeUnit() {
  UnitKey unit;
  unit.toolchain = DigestOf("toolchain");
  unit.program = {"/smelt/toolchain/bin/rustc"};
  unit.arguments = {"--crate-name", "a", "src/lib.rs"};
  unit.working_directory = "/smelt/workspace";
  unit.environment = {{"RUSTC_BOOTSTRAP", std::nullopt}, {"SDKROOT", "/sdk"}};
  unit.outputs = {"/smelt/build/deps/a.d", "/smelt/build/deps/liba.rmeta"};
  return unit;
}

Closure SomeClosure() {
  Closure closure;
  closure.files = {{"/smelt/workspace/src/lib.rs", DigestOf("lib")}, {"/usr/lib/crt1.o", DigestOf("crt1")}};
  closure.absent = {"/smelt/workspace/src/m/mod.rs"};
  closure.directories = {"/smelt/workspace/templates"};
  closure.listings = {{"/smelt/workspace/templates", DigestOf("names")}};
  closure.variables = {{"UNSET", std::nullopt}, {"V", "value"}};
  closure.tools = {{"cc", "/usr/bin/cc"}};
  return closure;
}

const std::string* BlobOf(const BuiltAction& action, const Digest& digest) {
  for (const reapi::NamedBlob& blob : action.blobs) {
    if (blob.digest == digest) return &blob.bytes;
  }
  return nullptr;
}

template <typename Message>
Message Parsed(const BuiltAction& action, const Digest& digest) {
  Message message;
  const std::string* bytes = BlobOf(action, digest);
  EXPECT_NE(bytes, nullptr) << digest.ToString();
  EXPECT_TRUE(bytes && message.ParseFromString(*bytes));
  return message;
}

Digest FileIn(const BuiltAction& action, const Digest& root, const std::string& path) {
  const v2::Directory directory = Parsed<v2::Directory>(action, root);
  const std::size_t slash = path.find('/');
  for (const v2::DirectoryNode& node : directory.directories()) {
    if (slash != path.npos && node.name() == path.substr(0, slash)) {
      return FileIn(action, *reapi::FromProto(node.digest()), path.substr(slash + 1));
    }
  }
  for (const v2::FileNode& node : directory.files()) {
    if (node.name() == path) return *reapi::FromProto(node.digest());
  }
  ADD_FAILURE() << path << " is not there";
  return {};
}

using Change = std::function<void(UnitKey&, Closure&)>;

// Everything that must be in K1, and everything that must not be mistaken for something else.
const std::map<std::string, Change>& Changes() {
  static const auto& changes = *new std::map<std::string, Change>{
      {"toolchain", [](UnitKey& u, Closure&) { u.toolchain = DigestOf("other"); }},
      {"driver", [](UnitKey& u, Closure&) { u.program.insert(u.program.begin(), "/smelt/toolchain/bin/clippy"); }},
      {"argument added", [](UnitKey& u, Closure&) { u.arguments.push_back("-g"); }},
      {"argument order", [](UnitKey& u, Closure&) { std::swap(u.arguments[0], u.arguments[1]); }},
      {"arguments joined",
       [](UnitKey& u, Closure&) {
         u.arguments = {"--crate-name a", "src/lib.rs"};
       }},
      {"arguments joined by a line end",
       [](UnitKey& u, Closure&) {
         u.arguments = {"--crate-name\na", "src/lib.rs"};
       }},
      {"empty argument", [](UnitKey& u, Closure&) { u.arguments.push_back(""); }},
      {"working directory", [](UnitKey& u, Closure&) { u.working_directory = "/smelt/workspace/a"; }},
      {"output added", [](UnitKey& u, Closure&) { u.outputs.push_back("/smelt/build/deps/liba.rlib"); }},
      {"output order", [](UnitKey& u, Closure&) { std::swap(u.outputs[0], u.outputs[1]); }},
      {"fixed variable set", [](UnitKey& u, Closure&) { u.environment[0].second = "1"; }},
      {"fixed variable empty", [](UnitKey& u, Closure&) { u.environment[0].second = ""; }},
      {"fixed variable unset", [](UnitKey& u, Closure&) { u.environment[1].second = std::nullopt; }},
      {"file content", [](UnitKey&, Closure& c) { c.files.begin()->second = DigestOf("LIB"); }},
      {"file size", [](UnitKey&, Closure& c) { ++c.files.begin()->second.size; }},
      {"file added", [](UnitKey&, Closure& c) { c.files["/smelt/workspace/src/m.rs"] = DigestOf("m"); }},
      {"empty file added", [](UnitKey&, Closure& c) { c.files["/smelt/workspace/src/m.rs"] = DigestOf(""); }},
      {"file gone", [](UnitKey&, Closure& c) { c.files.erase("/usr/lib/crt1.o"); }},
      {"file renamed",
       [](UnitKey&, Closure& c) {
         c.files.erase("/usr/lib/crt1.o");
         c.files["/usr/lib/crt2.o"] = DigestOf("crt1");
       }},
      {"files exchanged", [](UnitKey&, Closure& c) { std::swap(c.files.begin()->second, c.files.rbegin()->second); }},
      {"source of the toolchain",
       [](UnitKey&, Closure& c) { c.files["/smelt/toolchain/lib/rustlib/src/rust/library/core/src/lib.rs"] = {}; }},
      {"other source of the toolchain",
       [](UnitKey&, Closure& c) {
         c.files["/smelt/toolchain/lib/rustlib/src/rust/library/core/src/lib.rs"] = DigestOf("edited");
       }},
      {"absent", [](UnitKey&, Closure& c) { c.absent.insert("/smelt/workspace/build.rs"); }},
      {"none absent", [](UnitKey&, Closure& c) { c.absent.clear(); }},
      {"absent is a directory", [](UnitKey&, Closure& c) { std::swap(c.absent, c.directories); }},
      {"directory", [](UnitKey&, Closure& c) { c.directories.insert("/smelt/workspace/x"); }},
      {"listing", [](UnitKey&, Closure& c) { c.listings.begin()->second = DigestOf("more names"); }},
      {"none listed", [](UnitKey&, Closure& c) { c.listings.clear(); }},
      {"variable changed", [](UnitKey&, Closure& c) { c.variables["V"] = "other"; }},
      {"variable empty", [](UnitKey&, Closure& c) { c.variables["V"] = ""; }},
      {"variable unset", [](UnitKey&, Closure& c) { c.variables["V"] = std::nullopt; }},
      {"variable not read", [](UnitKey&, Closure& c) { c.variables.erase("V"); }},
      {"unset variable set to nothing", [](UnitKey&, Closure& c) { c.variables["UNSET"] = ""; }},
      {"unset variable not read", [](UnitKey&, Closure& c) { c.variables.erase("UNSET"); }},
      {"name and value split elsewhere",
       [](UnitKey&, Closure& c) {
         c.variables.erase("V");
         c.variables["Vv"] = "alue";
       }},
      {"tool", [](UnitKey&, Closure& c) { c.tools["cc"] = "/opt/bin/cc"; }},
      {"other tool", [](UnitKey&, Closure& c) { c.tools["ld"] = "/usr/bin/ld"; }},
      {"remap of another package",
       [](UnitKey&, Closure& c) {
         c.remaps = {{"/usr/lib", "/cargo/deps/lib-1.0.0"}};
       }},
      {"remap of another package by another name",
       [](UnitKey&, Closure& c) {
         c.remaps = {{"/usr/lib", "/cargo/deps/lib-1.0.1"}};
       }},
      {"no tool", [](UnitKey&, Closure& c) { c.tools.clear(); }},
  };
  return changes;
}

Digest KeyAfter(const Change& change) {
  UnitKey unit = SomeUnit();
  Closure closure = SomeClosure();
  change(unit, closure);
  return BuildAction(unit, closure).key;
}

TEST(BuildAction, EqualInputsGiveEqualKeys) {
  EXPECT_EQ(BuildAction(SomeUnit(), SomeClosure()).key, BuildAction(SomeUnit(), SomeClosure()).key);
}

TEST(BuildAction, EveryPartChangesTheKeyInAWayOfItsOwn) {
  std::map<Digest, std::string> seen = {{BuildAction(SomeUnit(), SomeClosure()).key, "nothing changed"}};
  for (const auto& [name, change] : Changes()) {
    auto [other, is_new] = seen.emplace(KeyAfter(change), name);
    EXPECT_TRUE(is_new) << name << " gives the key of " << other->second;
  }
}

TEST(BuildAction, TheOrderOfFixedVariablesDoesNotMatter) {
  EXPECT_EQ(KeyAfter([](UnitKey& u, Closure&) { std::swap(u.environment[0], u.environment[1]); }),
            BuildAction(SomeUnit(), SomeClosure()).key);
}

TEST(BuildAction, NamesThatLookLikeLinesOfTheSaltAreNotMistaken) {
  const Change one = [](UnitKey&, Closure& c) { c.absent = {"/a 0:\nabsent 2:/b"}; };
  const Change two = [](UnitKey&, Closure& c) { c.absent = {"/a", "/b"}; };
  const Change three = [](UnitKey&, Closure& c) { c.absent = {"/a 0:", "/b"}; };
  EXPECT_EQ((std::set<Digest>{KeyAfter(one), KeyAfter(two), KeyAfter(three)}).size(), 3u);
}

TEST(BuildAction, EveryBlobIsWhatItsDigestSays) {
  for (const auto& [name, change] : Changes()) {
    UnitKey unit = SomeUnit();
    Closure closure = SomeClosure();
    change(unit, closure);
    std::set<Digest> digests;
    for (const reapi::NamedBlob& blob : BuildAction(unit, closure).blobs) {
      EXPECT_EQ(blob.digest, DigestOf(blob.bytes)) << name;
      digests.insert(blob.digest);
    }
    EXPECT_TRUE(digests.contains(BuildAction(unit, closure).key)) << name;
  }
}

TEST(BuildAction, TheActionLeadsToItsCommandItsFilesAndItsSalt) {
  const BuiltAction built = BuildAction(SomeUnit(), SomeClosure());
  const auto action = Parsed<v2::Action>(built, built.key);
  const auto command = Parsed<v2::Command>(built, *reapi::FromProto(action.command_digest()));
  EXPECT_THAT(command.arguments(), ElementsAre("/smelt/toolchain/bin/rustc", "--crate-name", "a", "src/lib.rs"));
  EXPECT_THAT(command.output_paths(), ElementsAre("/smelt/build/deps/a.d", "/smelt/build/deps/liba.rmeta"));
  EXPECT_EQ(command.working_directory(), "/smelt/workspace");
  ASSERT_EQ(command.environment_variables_size(), 2) << "what is unset is not set to nothing";
  EXPECT_EQ(command.environment_variables(0).name(), "SDKROOT");
  EXPECT_EQ(command.environment_variables(1).name(), "V");
  EXPECT_EQ(command.environment_variables(1).value(), "value");

  const Digest root = *reapi::FromProto(action.input_root_digest());
  EXPECT_EQ(FileIn(built, root, "smelt/workspace/src/lib.rs"), DigestOf("lib"));
  EXPECT_EQ(FileIn(built, root, "usr/lib/crt1.o"), DigestOf("crt1"));

  auto salt = Digest::Parse(action.salt());
  ASSERT_TRUE(salt.ok());
  ASSERT_NE(BlobOf(built, *salt), nullptr);
  EXPECT_THAT(*BlobOf(built, *salt), testing::HasSubstr("absent 29:/smelt/workspace/src/m/mod.rs"));
}

TEST(BuildAction, TheToolchainHangsWhereTheProgramIs) {
  const BuiltAction built = BuildAction(SomeUnit(), SomeClosure());
  const auto action = Parsed<v2::Action>(built, built.key);
  const auto root = Parsed<v2::Directory>(built, *reapi::FromProto(action.input_root_digest()));
  ASSERT_EQ(root.directories(0).name(), "smelt");
  const auto smelt = Parsed<v2::Directory>(built, *reapi::FromProto(root.directories(0).digest()));
  ASSERT_EQ(smelt.directories(0).name(), "toolchain");
  EXPECT_EQ(*reapi::FromProto(smelt.directories(0).digest()), DigestOf("toolchain"));
}

TEST(BuildAction, AVariableOfTheClosureWinsOverTheFixedOne) {
  UnitKey unit = SomeUnit();
  Closure closure = SomeClosure();
  closure.variables["SDKROOT"] = "/canonical";
  const BuiltAction built = BuildAction(unit, closure);
  const auto action = Parsed<v2::Action>(built, built.key);
  const auto command = Parsed<v2::Command>(built, *reapi::FromProto(action.command_digest()));
  EXPECT_EQ(command.environment_variables(0).value(), "/canonical");
  EXPECT_EQ(command.environment_variables_size(), 2);
}

TEST(ManifestKey, HoldsWhatIsKnownBeforeLookingAtInputs) {
  std::map<Digest, std::string> seen = {{ManifestKey(SomeUnit()), "nothing changed"}};
  for (const char* name :
       {"toolchain", "driver", "argument added", "argument order", "arguments joined", "arguments joined by a line end",
        "empty argument", "working directory", "fixed variable set", "fixed variable empty", "fixed variable unset"}) {
    UnitKey unit = SomeUnit();
    Closure closure;
    Changes().at(name)(unit, closure);
    auto [other, is_new] = seen.emplace(ManifestKey(unit), name);
    EXPECT_TRUE(is_new) << name << " gives the key of " << other->second;
  }
}

TEST(ManifestKey, IsNoActionsKey) { EXPECT_NE(ManifestKey(SomeUnit()), BuildAction(SomeUnit(), Closure()).key); }

TEST(KeyDump, HasALineForEveryPartOfTheKey) {
  const std::vector<std::string> lines = KeyDump(SomeUnit(), SomeClosure());
  for (const std::string& line :
       {"toolchain " + DigestOf("toolchain").Hex(), std::string("working directory /smelt/workspace"),
        std::string("argument --crate-name"), std::string("variable V=value"), std::string("variable SDKROOT=/sdk"),
        std::string("unset UNSET"), std::string("unset RUSTC_BOOTSTRAP"), std::string("tool cc is /usr/bin/cc"),
        "file /usr/lib/crt1.o " + DigestOf("crt1").Hex(), std::string("absent /smelt/workspace/src/m/mod.rs"),
        std::string("directory /smelt/workspace/templates"),
        "listing /smelt/workspace/templates " + DigestOf("names").Hex()}) {
    EXPECT_THAT(lines, Contains(line));
  }
}

TEST(KeyDump, ChangesWithEveryPartOfTheKeyButTheOutputs) {
  std::map<std::vector<std::string>, std::string> seen = {{KeyDump(SomeUnit(), SomeClosure()), "nothing changed"}};
  for (const auto& [name, change] : Changes()) {
    // Outputs follow from the arguments, and the program from the toolchain; a digest is shown without its size.
    if (name.starts_with("output") || name == "driver" || name == "file size") continue;
    UnitKey unit = SomeUnit();
    Closure closure = SomeClosure();
    change(unit, closure);
    auto [other, is_new] = seen.emplace(KeyDump(unit, closure), name);
    EXPECT_TRUE(is_new) << name << " gives the lines of " << other->second;
  }
}

// rustc takes the last prefix that fits: the narrower one.
TEST(ActionTest, RemapsOfOtherPackagesFollowTheUnitsOwn) {
  UnitKey unit = SomeUnit();
  unit.arguments.insert(unit.arguments.begin(), "--remap-path-prefix=/smelt/workspace=/proc/self/cwd");
  Closure closure = SomeClosure();
  closure.remaps = {{"/opt/b", "/cargo/deps/b-1"}, {"/smelt/workspace/vendor/a", "/cargo/deps/a-1"}};
  const BuiltAction built = BuildAction(unit, closure);
  const v2::Action action = Parsed<v2::Action>(built, built.key);
  const v2::Command command = Parsed<v2::Command>(built, *reapi::FromProto(action.command_digest()));
  EXPECT_THAT(
      command.arguments(),
      ElementsAre("/smelt/toolchain/bin/rustc", "--remap-path-prefix=/smelt/workspace=/proc/self/cwd",
                  "--remap-path-prefix=/opt/b=/cargo/deps/b-1",
                  "--remap-path-prefix=/smelt/workspace/vendor/a=/cargo/deps/a-1", "--crate-name", "a", "src/lib.rs"));
  EXPECT_THAT(KeyDump(unit, closure), Contains("argument --remap-path-prefix=/opt/b=/cargo/deps/b-1"));
}

}  // namespace
}  // namespace smelt
