#include "src/base/processor_frequency.h"

#include <errno.h>
#include <gtest/gtest.h>

#include "absl/base/internal/sysinfo.h"

namespace smelt {
namespace {

TEST(ProcessorFrequencyTest, IsNotLookedUpAgain) {
  LookUpProcessorFrequency();
  errno = EINPROGRESS;
  absl::base_internal::NominalCPUFrequency();
  EXPECT_EQ(errno, EINPROGRESS);
}

}  // namespace
}  // namespace smelt
