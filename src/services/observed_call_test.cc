#include "src/services/observed_call.h"

#include <gtest/gtest.h>

namespace smelt {
namespace {

TEST(ObservedCall, MachinesOfPeers) {
  const std::pair<const char*, const char*> kCases[] = {{"ipv4:10.0.0.1:5", "10.0.0.1"},
                                                        {"ipv6:%5B::1%5D:5", "[::1]"},
                                                        {"ipv6:[2001:db8::1]:80", "[2001:db8::1]"},
                                                        {"unix:/run/x", "unix"},
                                                        {"unix:", "unix"},
                                                        {"", ""},
                                                        {"other", "other"}};
  for (const auto& [peer, machine] : kCases) EXPECT_EQ(MachineOf(peer), machine) << peer;
}

}  // namespace
}  // namespace smelt
