#include "src/daemon/toolchains.h"

#include <algorithm>
#include <filesystem>
#include <string>

#include "src/daemon/testing/checkout.h"
#include "src/testing/fake_clock.h"
#include "src/testing/faulty_file_system.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

namespace fs = std::filesystem;
using Call = FaultyFileSystem::Call;

class ToolchainsTest : public testing::Test {
 protected:
  Toolchains::Request Request(const std::string& compiler) {
    Toolchains::Request request;
    request.compiler = compiler;
    request.environment = {"PATH=/usr/bin:/bin"};
    request.rustup_home = dir_ / "rustup";
    return request;
  }

  std::shared_ptr<const Toolchain> Find(const Toolchains::Request& request) {
    clock_.AdvanceNanos(Toolchains::kCheckNanos);
    auto toolchain = toolchains_.Find(request);
    EXPECT_OK(toolchain);
    return toolchain.ok() ? *toolchain : std::make_shared<Toolchain>();
  }

  Digest RootOf(const std::string& compiler) { return Find(Request(compiler))->root; }

  absl::Status StatusOf(const Toolchains::Request& request) { return toolchains_.Find(request).status(); }

  std::string Rustlib(const std::string& target) { return fake_.sysroot() + "/lib/rustlib/" + target; }

  TempDir dir_;
  FakeToolchain fake_{dir_ / "tc"};
  FaultyFileSystem files_;
  FakeClock clock_{Clock::System().NowNanos() + 60'000'000'000};
  MemoryTable digests_table_, table_;
  FileDigests digests_{files_, clock_, digests_table_};
  Toolchains toolchains_{files_, clock_, digests_, table_};
};

TEST_F(ToolchainsTest, TheProgramIsKnownBeforeTheToolchainIs) {
  const auto program = toolchains_.Program(Request(fake_.rustc()));
  ASSERT_OK(program);
  EXPECT_EQ(*program, digests_.Of(fake_.sysroot() + "/bin/rustc")->digest);
  EXPECT_EQ(Find(Request(fake_.rustc()))->program, *program);
  EXPECT_FALSE(toolchains_.Program(Request(dir_ / "no/bin/rustc")).ok());
}

TEST_F(ToolchainsTest, KnowsWhatTheCompilerSaysOfItself) {
  auto toolchain = Find(Request(fake_.rustc()));
  EXPECT_EQ(toolchain->sysroot, fs::canonical(fake_.sysroot()));
  EXPECT_EQ(toolchain->host, FakeToolchain::kHost);
  EXPECT_EQ(toolchain->release, "1.95.0");
  EXPECT_EQ(toolchain->commit_hash, std::string(40, 'a'));
  EXPECT_TRUE(std::any_of(toolchain->directories.begin(), toolchain->directories.end(),
                          [&](const auto& blob) { return blob.digest == toolchain->root; }));
}

TEST_F(ToolchainsTest, TheSameFilesElsewhereAreTheSameToolchain) {
  FakeToolchain same(dir_ / "elsewhere/tc"), newer(dir_ / "newer", "1.96.0");
  EXPECT_EQ(RootOf(fake_.rustc()), RootOf(same.rustc()));
  EXPECT_NE(RootOf(fake_.rustc()), RootOf(newer.rustc()));
}

TEST_F(ToolchainsTest, EachOfItsFilesIsAPartOfItsIdentity) {
  Digest before = RootOf(fake_.rustc());
  const std::vector<std::function<void()>> kChanges = {
      [&] { WriteAndWait(fake_.library(), "another core"); },
      [&] { WriteAndWait(fake_.sysroot() + "/lib/librustc_driver-1.so", "another driver"); },
      [&] { WriteAndWait(Rustlib(FakeToolchain::kHost) + "/bin/rust-lld", "lld", 0755); },
      [&] { fs::permissions(Rustlib(FakeToolchain::kHost) + "/bin/rust-lld", fs::perms(0644)); },
      [&] { fs::remove(Rustlib(FakeToolchain::kHost) + "/bin/rust-lld"); },
      [&] { WriteAndWait(fake_.sysroot() + "/lib/libLLVM.so", "llvm"); },
  };
  for (std::size_t i = 0; i < kChanges.size(); ++i) {
    kChanges[i]();
    const Digest after = RootOf(fake_.rustc());
    EXPECT_NE(after, before) << i;
    before = after;
  }
}

TEST_F(ToolchainsTest, FilesAreReadOnceAndThenOnlyLookedAtNowAndThen) {
  RootOf(fake_.rustc());
  files_.ResetCounts();
  RootOf(fake_.rustc());
  EXPECT_EQ(files_.Count(Call::kOpenForRead), 0);
  EXPECT_GT(files_.Count(Call::kStat), 0);
  files_.ResetCounts();
  ASSERT_OK(toolchains_.Find(Request(fake_.rustc())));
  EXPECT_EQ(files_.Count(), 0) << "no time has passed";
}

TEST_F(ToolchainsTest, AClockThatGoesBackIsNoReasonForTrust) {
  const Digest before = RootOf(fake_.rustc());
  WriteAndWait(fake_.library(), "another core");
  clock_.AdvanceSeconds(-1000);
  auto toolchain = toolchains_.Find(Request(fake_.rustc()));
  ASSERT_OK(toolchain);
  EXPECT_NE((*toolchain)->root, before);
}

TEST_F(ToolchainsTest, WhetherItIsStillTheSameIsAskedOfTheDisk) {
  auto toolchain = Find(Request(fake_.rustc()));
  EXPECT_TRUE(toolchains_.IsUnchanged(*toolchain));
  WriteAndWait(fake_.library(), "another core");
  EXPECT_FALSE(toolchains_.IsUnchanged(*toolchain));
}

TEST_F(ToolchainsTest, AnotherFileOfTheSameNameIsAnotherFile) {
  auto toolchain = Find(Request(fake_.rustc()));
  WriteAndWait(Rustlib(FakeToolchain::kHost) + "/lib/libextra-1.rlib", "added");
  EXPECT_FALSE(toolchains_.IsUnchanged(*toolchain));
}

TEST_F(ToolchainsTest, ALinkToTheCompilerIsFollowedEachTime) {
  FakeToolchain newer(dir_ / "newer", "1.96.0");
  fs::create_directories(dir_ / "bin");
  const std::string link = dir_ / "bin/rustc";
  fs::create_symlink(fake_.rustc(), link);
  EXPECT_EQ(RootOf(link), RootOf(fake_.rustc()));
  fs::remove(link);
  fs::create_symlink(newer.rustc(), link);
  EXPECT_EQ(RootOf(link), RootOf(newer.rustc()));
}

TEST_F(ToolchainsTest, ALinkOutOfASysrootOfItsOwnIsRefused) {
  // rustc takes the libraries around the link then.
  fs::create_directories(dir_ / "mixed/bin");
  fs::create_directories(dir_ / "mixed/lib/rustlib");
  fs::create_symlink(fake_.rustc(), dir_ / "mixed/bin/rustc");
  EXPECT_THAT(StatusOf(Request(dir_ / "mixed/bin/rustc")),
              StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr(dir_ / "mixed/bin/rustc")));
  fs::remove(dir_ / "mixed/lib/rustlib");
  fs::create_directory_symlink(fake_.sysroot() + "/lib/rustlib", dir_ / "mixed/lib/rustlib");
  EXPECT_OK(StatusOf(Request(dir_ / "mixed/bin/rustc")));
}

TEST_F(ToolchainsTest, RustupsProxyIsSeenThrough) {
  FakeToolchain stable(dir_ / "rustup/toolchains/stable"),
      nightly(dir_ / "rustup/toolchains/nightly", "1.99.0-nightly");
  WriteAndWait(dir_ / "cargo/bin/rustup", "the proxy", 0755);
  fs::create_symlink("rustup", dir_ / "cargo/bin/rustc");
  Toolchains::Request request = Request(dir_ / "cargo/bin/rustc");
  request.rustup_toolchain = "stable";
  EXPECT_EQ(Find(request)->release, "1.95.0");
  request.rustup_toolchain = "nightly";
  EXPECT_EQ(Find(request)->release, "1.99.0-nightly");
  request.rustup_toolchain = "absent";
  EXPECT_THAT(StatusOf(request), StatusIs(absl::StatusCode::kFailedPrecondition));
  request.rustup_toolchain = "";
  EXPECT_THAT(StatusOf(request), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(ToolchainsTest, TwoHomesOfRustupAreTwoHomes) {
  FakeToolchain one(dir_ / "rustup/toolchains/stable"), other(dir_ / "rustup2/toolchains/stable", "1.96.0");
  WriteAndWait(dir_ / "cargo/bin/rustup", "the proxy", 0755);
  fs::create_symlink("rustup", dir_ / "cargo/bin/rustc");
  Toolchains::Request request = Request(dir_ / "cargo/bin/rustc");
  request.rustup_toolchain = "stable";
  EXPECT_EQ(Find(request)->release, "1.95.0");
  request.rustup_home = dir_ / "rustup2";
  EXPECT_EQ(Find(request)->release, "1.96.0");
}

TEST_F(ToolchainsTest, TheDriverIsAPartOfTheIdentity) {
  const std::string driver = fake_.sysroot() + "/bin/clippy-driver";
  WriteAndWait(driver, "clippy", 0755);
  Toolchains::Request request = Request(fake_.rustc());
  const Digest without = Find(request)->root;
  request.driver = driver;
  const Digest with = Find(request)->root;
  EXPECT_NE(with, without);
  WriteAndWait(driver, "another clippy", 0755);
  EXPECT_NE(Find(request)->root, with);
}

TEST_F(ToolchainsTest, ATargetIsAPartOfTheIdentityFromTheMomentItIsThere) {
  Toolchains::Request request = Request(fake_.rustc());
  const Digest host = Find(request)->root;
  request.target = FakeToolchain::kHost;
  EXPECT_EQ(Find(request)->root, host);
  request.target = "aarch64-unknown-linux-gnu";
  EXPECT_EQ(Find(request)->root, host) << "not installed";
  WriteAndWait(Rustlib(request.target) + "/lib/libcore-2.rlib", "core for arm");
  const Digest installed = Find(request)->root;
  EXPECT_NE(installed, host);
  WriteAndWait(Rustlib(request.target) + "/lib/libcore-2.rlib", "newer core for arm");
  EXPECT_NE(Find(request)->root, installed);
}

TEST_F(ToolchainsTest, ATargetSpecificationMeansTheLibrariesOfItsName) {
  Toolchains::Request request = Request(fake_.rustc());
  request.target = dir_ / "specs/my-target.json";
  const Digest without = Find(request)->root;
  WriteAndWait(Rustlib("my-target") + "/lib/libcore-3.rlib", "core");
  EXPECT_NE(Find(request)->root, without);
}

TEST_F(ToolchainsTest, WhatIsNoToolchainIsRefusedAndSaysWhatItWants) {
  WriteAndWait(dir_ / "bare/bin/rustc", "#!/bin/sh\n", 0755);
  EXPECT_THAT(StatusOf(Request(dir_ / "bare/bin/rustc")),
              StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("no librustc_driver")));
  EXPECT_THAT(StatusOf(Request(dir_ / "absent/rustc")), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_FALSE(StatusOf(Request("")).ok());
}

TEST_F(ToolchainsTest, ACompilerThatDoesNotAnswerIsRefused) {
  FakeToolchain mute(dir_ / "mute");
  for (const char* script : {"#!/bin/sh\nexit 1\n", "#!/bin/sh\n", "#!/bin/sh\necho host\n", "not a program"}) {
    WriteAndWait(mute.rustc(), script, 0755);
    EXPECT_FALSE(StatusOf(Request(mute.rustc())).ok()) << script;
  }
}

TEST_F(ToolchainsTest, AToolchainThatCannotBeReadIsAskedForAgain) {
  files_.Inject({.call = Call::kOpenForRead, .status = absl::PermissionDeniedError("injected")});
  EXPECT_THAT(StatusOf(Request(fake_.rustc())), StatusIs(absl::StatusCode::kPermissionDenied));
  files_.Heal();
  EXPECT_OK(StatusOf(Request(fake_.rustc())));
}

TEST_F(ToolchainsTest, TheCompilerIsAskedOnceForAllRestarts) {
  const std::string asked = dir_ / "asked";
  const std::string script = *FileSystem::System().ReadFile(fake_.rustc());
  WriteAndWait(fake_.rustc(), script + "echo x >> " + asked + "\n", 0755);
  RootOf(fake_.rustc());
  for (int i = 0; i < 2; ++i) {
    Toolchains restarted(files_, clock_, digests_, table_);
    ASSERT_OK(restarted.Find(Request(fake_.rustc())));
  }
  EXPECT_EQ(fs::file_size(asked), 2u);
}

}  // namespace
}  // namespace smelt
