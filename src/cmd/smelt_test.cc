// What must hold of the program that runs for every compile: it is static, small, free of the daemon's libraries, and
// starts in fewer instructions than /bin/true, which is linked dynamically.

#include <elf.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace smelt {
namespace {

constexpr char kSmelt[] = "src/cmd/smelt";
constexpr std::size_t kProgramBytesMax = 2 << 20;

std::string Program() {
  std::ifstream in(kSmelt, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

bool HasSegment(std::string_view program, std::uint32_t type) {
  Elf64_Ehdr header;
  std::memcpy(&header, program.data(), sizeof(header));
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, program.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    if (segment.p_type == type) return true;
  }
  return false;
}

// How many instructions `program argument` executes in user space, counted one by one; nullopt where processes may not
// be traced.
std::optional<long> Instructions(const char* program, const char* argument) {
  pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(99);
    execl(program, program, argument, nullptr);
    _exit(98);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return std::nullopt;
  long count = 0;
  while (WIFSTOPPED(status)) {
    ++count;
    if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) break;
    if (waitpid(child, &status, 0) != child) break;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return count;
  kill(child, SIGKILL);
  return std::nullopt;
}

TEST(Smelt, IsStatic) {
  std::string program = Program();
  ASSERT_EQ(program.substr(0, 4),
            "\x7f"
            "ELF");
  EXPECT_TRUE(HasSegment(program, PT_LOAD));
  EXPECT_FALSE(HasSegment(program, PT_INTERP));
  EXPECT_FALSE(HasSegment(program, PT_DYNAMIC));
}

TEST(Smelt, IsSmall) { EXPECT_LT(Program().size(), kProgramBytesMax); }

TEST(Smelt, LinksNoneOfTheDaemonsLibraries) {
  std::string program = Program();
  // The names of functions are there to be found.
  ASSERT_NE(program.find("RunWatched"), std::string::npos);
  for (const char* foreign : {"grpc", "absl", "google", "protobuf", "rocksdb", "ios_base4Init", "std::regex"}) {
    EXPECT_EQ(program.find(foreign), std::string::npos) << foreign;
  }
}

TEST(Smelt, StartsInFewerInstructionsThanTrue) {
  std::optional<long> smelt = Instructions(kSmelt, "--version");
  std::optional<long> nothing = Instructions("/bin/true", "");
  if (!smelt || !nothing) GTEST_SKIP() << "processes may not be traced here";
  RecordProperty("smelt", std::to_string(*smelt));
  RecordProperty("true", std::to_string(*nothing));
  EXPECT_LT(*smelt, *nothing);
}

}  // namespace
}  // namespace smelt
