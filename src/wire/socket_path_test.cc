#include "src/wire/socket_path.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "src/testing/temp_dir.h"

namespace smelt::wire {
namespace {

class SocketPath : public testing::Test {
 protected:
  SocketPath() {
    for (const char* name : {"SMELT_DIR", "SMELT_SOCKET", "XDG_CACHE_HOME", "SCCACHE_DIR"}) unsetenv(name);
    setenv("HOME", "/home/u", 1);
  }
  std::string error_;
};

TEST_F(SocketPath, TheDirectoryIsSmeltDirElseTheXdgCacheElseHome) {
  EXPECT_EQ(FindDaemonPaths(&error_)->directory, "/home/u/.cache/smelt");
  setenv("XDG_CACHE_HOME", "/x", 1);
  EXPECT_EQ(FindDaemonPaths(&error_)->directory, "/x/smelt");
  setenv("XDG_CACHE_HOME", "relative", 1);
  EXPECT_EQ(FindDaemonPaths(&error_)->directory, "/home/u/.cache/smelt");
  setenv("SCCACHE_DIR", "/redirected", 1);
  EXPECT_EQ(FindDaemonPaths(&error_)->directory, "/redirected/smelt");
  setenv("SMELT_DIR", "/d", 1);
  auto paths = FindDaemonPaths(&error_);
  EXPECT_EQ(paths->directory, "/d");
  EXPECT_EQ(paths->socket, "/d/smeltd.sock");
  EXPECT_EQ(paths->lock, "/d/smeltd.lock");
  EXPECT_EQ(paths->log, "/d/smeltd.log");
}

TEST_F(SocketPath, ADirectoryThatWouldDifferFromCrateToCrateIsRefusedByName) {
  setenv("SMELT_DIR", "target/cache", 1);
  EXPECT_FALSE(FindDaemonPaths(&error_).has_value());
  EXPECT_NE(error_.find("SMELT_DIR is 'target/cache'"), std::string::npos);
}

TEST_F(SocketPath, WithoutAnyHomeThereIsNone) {
  unsetenv("HOME");
  EXPECT_FALSE(FindDaemonPaths(&error_).has_value());
  EXPECT_NE(error_.find("SMELT_DIR"), std::string::npos);
}

TEST_F(SocketPath, TheSocketCanBeNamedIfItFits) {
  setenv("SMELT_SOCKET", "/s/other.sock", 1);
  EXPECT_EQ(FindDaemonPaths(&error_)->socket, "/s/other.sock");
  setenv("SMELT_SOCKET", ("/" + std::string(kSocketPathBytesMax, 's')).c_str(), 1);
  EXPECT_FALSE(FindDaemonPaths(&error_).has_value());
  EXPECT_NE(error_.find("SMELT_SOCKET"), std::string::npos);
}

TEST_F(SocketPath, ALongDirectoryGetsAShortSocketOfItsOwn) {
  std::string directory = "/" + std::string(150, 'd');
  std::string socket = SocketPathFor(directory, 1000);
  EXPECT_EQ(socket.substr(0, 16), "/tmp/smelt-1000/");
  EXPECT_EQ(socket.size(), 16 + 16 + 5);
  EXPECT_NE(SocketPathFor(directory + "e", 1000), socket);
  std::string longest = "/" + std::string(kSocketPathBytesMax - 13, 'd');
  EXPECT_EQ(SocketPathFor(longest, 1000), longest + "/smeltd.sock");
  EXPECT_EQ(SocketPathFor(longest + "d", 1000).substr(0, 5), "/tmp/");
}

TEST_F(SocketPath, DirectoriesAreMadeForThisUserAlone) {
  TempDir temp;
  DaemonPaths paths;
  paths.directory = temp / "a/b/c";
  paths.socket = temp / "s/t/x.sock";
  ASSERT_TRUE(MakeDaemonDirectories(paths, &error_)) << error_;
  ASSERT_TRUE(MakeDaemonDirectories(paths, &error_)) << error_;
  for (const std::string& made : {temp / "a", temp / "a/b/c", temp / "s/t"}) {
    struct stat info;
    ASSERT_EQ(stat(made.c_str(), &info), 0) << made;
    EXPECT_EQ(info.st_mode & 07777, 0700u) << made;
  }
}

TEST_F(SocketPath, ADirectoryThatCannotBeMadeIsNamed) {
  DaemonPaths paths;
  paths.directory = "/proc/none/smelt";
  paths.socket = "/proc/none/smelt/s";
  EXPECT_FALSE(MakeDaemonDirectories(paths, &error_));
  EXPECT_NE(error_.find("/proc/none"), std::string::npos);
}

TEST_F(SocketPath, ASocketDirectoryInAPlaceForAllIsRefusedUnlessItIsOursAlone) {
  TempDir place_for_all;
  ASSERT_EQ(chmod(place_for_all.path().c_str(), 01777), 0);
  TempDir temp;
  DaemonPaths paths;
  paths.directory = temp.path();
  std::string entered_by_others = place_for_all / "s";
  paths.socket = entered_by_others + "/x.sock";
  ASSERT_EQ(mkdir(entered_by_others.c_str(), 0700), 0);
  ASSERT_EQ(chmod(entered_by_others.c_str(), 0755), 0);
  EXPECT_FALSE(MakeDaemonDirectories(paths, &error_));
  EXPECT_NE(error_.find(entered_by_others), std::string::npos);
  ASSERT_EQ(chmod(entered_by_others.c_str(), 0700), 0);
  EXPECT_TRUE(MakeDaemonDirectories(paths, &error_)) << error_;
}

TEST_F(SocketPath, ALinkInAPlaceForAllIsNotFollowed) {
  TempDir place_for_all;
  ASSERT_EQ(chmod(place_for_all.path().c_str(), 01777), 0);
  TempDir temp;
  DaemonPaths paths;
  paths.directory = temp.path();
  ASSERT_EQ(symlink(temp.path().c_str(), (place_for_all / "s").c_str()), 0);
  paths.socket = (place_for_all / "s") + "/x.sock";
  EXPECT_FALSE(MakeDaemonDirectories(paths, &error_));
}

}  // namespace
}  // namespace smelt::wire
