#include "src/services/observed_call.h"

#include <gtest/gtest.h>

#include <string>

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/test/server_context_test_spouse.h"

namespace smelt {
namespace {

using build::bazel::remote::execution::v2::RequestMetadata;

// What is told of a caller with these bytes as its metadata.
FinishedCall Told(const std::string& metadata) {
  grpc::ServerContext context;
  grpc::testing::ServerContextTestSpouse spouse(&context);
  spouse.AddClientMetadata("build.bazel.remote.execution.v2.requestmetadata-bin", metadata);
  FinishedCall call;
  DescribeCaller(context, call);
  return call;
}

FinishedCall Told(const std::string& tool, const std::string& target) {
  RequestMetadata metadata;
  metadata.mutable_tool_details()->set_tool_name(tool);
  metadata.set_target_id(target);
  return Told(metadata.SerializeAsString());
}

TEST(ObservedCall, ToolsAndTargetsOfCallers) {
  RequestMetadata metadata;
  metadata.mutable_tool_details()->set_tool_name("bazel");
  metadata.mutable_tool_details()->set_tool_version("4.2.3");
  metadata.set_target_id("//a:b");
  const FinishedCall call = Told(metadata.SerializeAsString());
  EXPECT_EQ(call.tool, "bazel 4.2.3");
  EXPECT_EQ(call.target, "//a:b");
}

TEST(ObservedCall, MetadataThatIsNoneSaysNothing) {
  for (const std::string& metadata :
       {std::string(), std::string("\xff\xff\xff"), std::string("no protobuf"), std::string("\x0a\x7f short"),
        std::string(1 << 20, '\xff'), std::string("\x32\x02\xc3\x28")}) {  // a target that is not UTF-8
    const FinishedCall call = Told(metadata);
    EXPECT_EQ(call.tool, "") << metadata.size();
    EXPECT_EQ(call.target, "") << metadata.size();
  }
}

TEST(ObservedCall, NamesAreCutAt200Bytes) {
  for (const std::size_t size : {200, 201, 300, 1 << 20}) {
    const FinishedCall call = Told(std::string(size, 't'), std::string(size, 'u'));
    EXPECT_EQ(call.tool, std::string(200, 't'));
    EXPECT_EQ(call.target, std::string(200, 'u'));
  }
}

TEST(ObservedCall, NamesAreCutBetweenCharacters) {
  for (const std::string character : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\xa6\x80"}) {
    for (std::size_t before = 0; before < character.size(); ++before) {
      std::string name(before, 'x');
      while (name.size() < 300) name += character;
      const std::size_t most = before + (200 - before) / character.size() * character.size();
      const FinishedCall call = Told(name, name);
      EXPECT_EQ(call.tool, name.substr(0, most));
      EXPECT_EQ(call.target, name.substr(0, most));
    }
  }
}

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
