#include "src/base/open_writers.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "src/base/unique_fd.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

class OpenWritersTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(writer_.valid()); }

  bool HasNoWriterNow() {
    const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    return HasNoWriter(fd.get());
  }

  TempDir dir_;
  const std::string path_ = dir_.path() + "/file";
  UniqueFd writer_{::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0700)};
};

TEST_F(OpenWritersTest, TellsWhoHasItOpen) {
  EXPECT_FALSE(HasNoWriterNow());
  writer_.Reset();
  EXPECT_TRUE(HasNoWriterNow());
}

TEST_F(OpenWritersTest, WaitsForAForkedProcess) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd held(ends[0]), letting_go(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {  // with the writer that it was given
    ::close(letting_go.get());
    char byte;
    _exit(static_cast<int>(::read(held.get(), &byte, 1)));
  }
  writer_.Reset();
  EXPECT_FALSE(HasNoWriterNow());

  std::atomic<bool> let_go = false;
  std::thread waiting([&] {
    AwaitNoWriter(path_);
    EXPECT_TRUE(let_go);
  });
  let_go = true;
  letting_go.Reset();
  waiting.join();
  EXPECT_TRUE(HasNoWriterNow());
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST_F(OpenWritersTest, DoesNotWaitForAFileThatIsNotThere) { AwaitNoWriter(dir_.path() + "/other"); }

}  // namespace
}  // namespace smelt
