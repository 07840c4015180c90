#ifndef SMELT_TESTING_CRASH_H_
#define SMELT_TESTING_CRASH_H_

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace smelt {

// Tests of kill -9 between any two steps: a child process, which is the same test program, does everything with one
// kill point armed and acknowledges each step; then the test looks at what is left.

// Steps that were acknowledged, each by a letter in a file of `directory`.
class Acknowledgements {
 public:
  explicit Acknowledgements(const std::string& directory) : path_(directory + "/acknowledged") {}

  void Add(char step);
  bool Has(char step) const;

 private:
  const std::string path_;
};

// In the child, what the test gave to RunUntilKilled as its directory; null in the test itself.
const char* CrashChildDirectory();

// Runs the test `child` ("Suite.Name") of this program in a process of its own, with this kill point armed, until it
// has been killed; only where the point is to be reached more than once may the child end by itself, and well.
void RunUntilKilled(std::string_view child, const std::string& directory, const std::string& kill_point);

// The first and the second time that each kill point of this program is reached.
std::vector<std::string> EveryKillPointTwice();

// The names of the kill points, without the last part.
std::vector<std::string> KilledOperations();

// For INSTANTIATE_TEST_SUITE_P.
std::string NameOfKillPoint(const testing::TestParamInfo<std::string>& tested);

}  // namespace smelt

#endif  // SMELT_TESTING_CRASH_H_
