#include "src/daemon/package_roots.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using rustc::PathMap;
using rustc::Root;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Root Build(const std::string& directory) { return {"build", directory, "/smelt/build", "/cargo/build-dir"}; }
Root Package(const std::string& name, const std::string& directory) {
  return {"package", directory, "/smelt/package", "/cargo/deps/" + name};
}

// "<real> is <embedded>" of each root that is shown only.
std::vector<std::string> Others(const PathMap& paths) {
  std::vector<std::string> others;
  for (const Root& root : paths.roots()) {
    if (root.canonical.empty()) others.push_back(root.real + " is " + root.embedded);
  }
  return others;
}

TEST(PackageRoots, APackageIsKnownToTheOthersOfItsTargetDirectory) {
  MemoryTable table;
  PackageRoots packages(table);
  EXPECT_THAT(Others(packages.Complete(PathMap({Build("/t"), Package("a-1.0.0", "/x/a")}))), ElementsAre());
  EXPECT_THAT(Others(packages.Complete(PathMap({Build("/t")}))), ElementsAre("/x/a is /cargo/deps/a-1.0.0"));
  EXPECT_THAT(Others(packages.Complete(PathMap({Build("/t"), Package("b-1.0.0", "/x/b")}))),
              ElementsAre("/x/a is /cargo/deps/a-1.0.0"));
  EXPECT_THAT(Others(packages.Complete(PathMap({Build("/other")}))), ElementsAre());
  EXPECT_THAT(Others(PackageRoots(table).Complete(PathMap({Build("/t")}))),
              ElementsAre("/x/a is /cargo/deps/a-1.0.0", "/x/b is /cargo/deps/b-1.0.0"))
      << "after a restart";
}

TEST(PackageRoots, APackageThatMovesIsWhereItWasLast) {
  MemoryTable table;
  PackageRoots packages(table);
  packages.Complete(PathMap({Build("/t"), Package("a-1.0.0", "/old")}));
  packages.Complete(PathMap({Build("/t"), Package("a-1.0.0", "/new")}));
  EXPECT_THAT(Others(packages.Complete(PathMap({Build("/t")}))), ElementsAre("/new is /cargo/deps/a-1.0.0"));
}

TEST(PackageRoots, OthersAreNotInKeys) {
  MemoryTable table;
  PackageRoots packages(table);
  packages.Complete(PathMap({Build("/t"), Package("a-1.0.0", "/x/a")}));
  const PathMap paths = packages.Complete(PathMap({Build("/t")}));
  EXPECT_EQ(paths.Canonical("/x/a/src/lib.rs", "/"), "/x/a/src/lib.rs");
  EXPECT_EQ(paths.Real("/x/a/src/lib.rs"), "/x/a/src/lib.rs");
}

TEST(PackageRoots, WithoutATargetDirectoryNothingIsKept) {
  MemoryTable table;
  PackageRoots(table).Complete(PathMap({Package("a-1.0.0", "/x/a")}));
  EXPECT_TRUE(table.Entries().empty());
}

TEST(PackageRoots, NamesThatWouldBreakARecordAreLeftOut) {
  MemoryTable table;
  PackageRoots packages(table);
  packages.Complete(PathMap({Build("/t"), Package("a-1.0.0", "/x\ny\tz")}));
  EXPECT_THAT(Others(packages.Complete(PathMap({Build("/t")}))), ElementsAre());
}

TEST(PackageRoots, ABrokenRecordIsNoRecord) {
  MemoryTable table;
  for (const char* record : {"", "no tab", "\n\n", "\t", "a\tb"}) {
    ASSERT_OK(table.Put("packages\n/t", record));
    PackageRoots(table).Complete(PathMap({Build("/t"), Package("a-1.0.0", "/x/a")}));
    EXPECT_THAT(*table.Get("packages\n/t"), HasSubstr("/cargo/deps/a-1.0.0\t/x/a\n"));
  }
}

TEST(PackageRoots, MoreThanTheLimitAreNotRemembered) {
  MemoryTable table;
  PackageRoots packages(table);
  for (std::size_t i = 0; i <= PackageRoots::kPackagesMax; ++i) {
    packages.Complete(PathMap({Build("/t"), Package("p-" + std::to_string(i), "/x/" + std::to_string(i))}));
  }
  EXPECT_EQ(Others(packages.Complete(PathMap({Build("/t")}))).size(), PackageRoots::kPackagesMax);
}

}  // namespace
}  // namespace smelt
