#include <string>

#include "src/services/testing/server_fixture.h"

namespace smelt {
namespace {

using grpc::StatusCode;

class ActionCacheTest : public ServerTest {
 protected:
  grpc::Status Get(const v2::GetActionResultRequest& request) {
    CallContext context;
    result_.Clear();
    return cache_->GetActionResult(&context, request, &result_);
  }

  grpc::Status Update(const v2::UpdateActionResultRequest& request) {
    CallContext context;
    v2::ActionResult response;
    return cache_->UpdateActionResult(&context, request, &response);
  }

  // A result with a file, standard output and a directory, all of whose blobs are here.
  v2::ActionResult Complete() {
    v2::ActionResult result;
    auto& file = *result.add_output_files();
    file.set_path("out/lib.rlib");
    *file.mutable_digest() = reapi::ToProto(Put("library"));
    *result.mutable_stdout_digest() = reapi::ToProto(Put("said"));
    *result.mutable_stderr_digest() = reapi::ToProto(Put("warned"));
    v2::Tree tree;
    auto& nested = *tree.add_children()->add_files();
    nested.set_name("nested");
    *nested.mutable_digest() = reapi::ToProto(Put("nested"));
    auto& directory = *result.add_output_directories();
    directory.set_path("tree");
    *directory.mutable_tree_digest() = reapi::ToProto(Put(tree.SerializeAsString()));
    return result;
  }

  v2::UpdateActionResultRequest UpdateRequest(const v2::ActionResult& result, const std::string& instance = "") const {
    v2::UpdateActionResultRequest request;
    request.set_instance_name(instance);
    *request.mutable_action_digest() = reapi::ToProto(action_);
    *request.mutable_action_result() = result;
    return request;
  }

  v2::GetActionResultRequest GetRequest(const std::string& instance = "") const {
    v2::GetActionResultRequest request;
    request.set_instance_name(instance);
    *request.mutable_action_digest() = reapi::ToProto(action_);
    return request;
  }

  const Digest action_ = DigestOf("action");
  v2::ActionResult result_;
};

TEST_F(ActionCacheTest, WhatIsUpdatedIsGot) {
  EXPECT_THAT(Get(GetRequest()), HasCode(StatusCode::NOT_FOUND));
  const v2::ActionResult result = Complete();
  ASSERT_THAT(Update(UpdateRequest(result)), HasCode(StatusCode::OK));
  ASSERT_THAT(Get(GetRequest()), HasCode(StatusCode::OK));
  EXPECT_EQ(result_.SerializeAsString(), result.SerializeAsString());
}

TEST_F(ActionCacheTest, EachWriteIsAudited) {
  ASSERT_THAT(Update(UpdateRequest(Complete(), "main")), HasCode(StatusCode::OK));
  EXPECT_THAT(Update(UpdateRequest({}, "blobs")), HasCode(StatusCode::INVALID_ARGUMENT));
  const std::vector<std::string> lines = AuditLines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].substr(0, lines[0].rfind(':')),
            "audit: wrote result " + action_.ToString() +
                " instance \"main\" by \"anonymous\" (administrator) from ipv4:127.0.0.1");
}

TEST_F(ActionCacheTest, InstancesDoNotSeeEachOther) {
  ASSERT_THAT(Update(UpdateRequest(Complete(), "main")), HasCode(StatusCode::OK));
  EXPECT_THAT(Get(GetRequest("main")), HasCode(StatusCode::OK));
  for (const char* other : {"", "pr/1", "main/1"}) {
    EXPECT_THAT(Get(GetRequest(other)), HasCode(StatusCode::NOT_FOUND)) << other;
  }
}

TEST_F(ActionCacheTest, AHitLacksNothing) {
  for (const char* lost : {"library", "said", "warned", "nested"}) {
    ASSERT_THAT(Update(UpdateRequest(Complete())), HasCode(StatusCode::OK));
    ASSERT_THAT(Get(GetRequest()), HasCode(StatusCode::OK));
    blobs_.Forget(DigestOf(std::string_view(lost)));
    EXPECT_THAT(Get(GetRequest()), HasCode(StatusCode::NOT_FOUND, "incomplete")) << lost;
  }
}

TEST_F(ActionCacheTest, InlinesWhatIsAsked) {
  ASSERT_THAT(Update(UpdateRequest(Complete())), HasCode(StatusCode::OK));
  v2::GetActionResultRequest request = GetRequest();
  request.set_inline_stdout(true);
  ASSERT_THAT(Get(request), HasCode(StatusCode::OK));
  EXPECT_EQ(result_.stdout_raw(), "said");
  EXPECT_EQ(result_.stderr_raw(), "");
  EXPECT_EQ(result_.output_files(0).contents(), "");
  request.set_inline_stderr(true);
  request.add_inline_output_files("elsewhere");
  request.add_inline_output_files("out/lib.rlib");
  ASSERT_THAT(Get(request), HasCode(StatusCode::OK));
  EXPECT_EQ(result_.stderr_raw(), "warned");
  EXPECT_EQ(result_.output_files(0).contents(), "library");
  EXPECT_TRUE(result_.has_stdout_digest());
}

TEST_F(ActionCacheTest, InlinesWithinItsBudgetOnly) {
  v2::ActionResult result;
  for (const char* name : {"a", "b", "c"}) {
    auto& file = *result.add_output_files();
    file.set_path(name);
    *file.mutable_digest() = reapi::ToProto(Put(std::string(400 << 10, *name)));
  }
  ASSERT_THAT(Update(UpdateRequest(result)), HasCode(StatusCode::OK));
  v2::GetActionResultRequest request = GetRequest();
  for (const char* name : {"a", "b", "c"}) request.add_inline_output_files(name);
  ASSERT_THAT(Get(request), HasCode(StatusCode::OK));
  EXPECT_EQ(result_.output_files(1).contents().size(), 400u << 10);
  EXPECT_EQ(result_.output_files(2).contents(), "");
  EXPECT_LE(result_.ByteSizeLong(), static_cast<std::size_t>(limits_.inline_bytes_max));
}

TEST_F(ActionCacheTest, BadUpdatesNameTheField) {
  v2::UpdateActionResultRequest request = UpdateRequest(Complete());
  request.mutable_action_digest()->set_hash("x");
  EXPECT_THAT(Update(request), HasCode(StatusCode::INVALID_ARGUMENT));
  request = UpdateRequest(Complete());
  request.clear_action_result();
  EXPECT_THAT(Update(request), HasCode(StatusCode::INVALID_ARGUMENT, "action_result"));
  request = UpdateRequest(Complete());
  request.mutable_action_result()->mutable_output_files(0)->set_path("../../etc/passwd");
  EXPECT_THAT(Update(request), HasCode(StatusCode::INVALID_ARGUMENT, "output_files.path"));
  request = UpdateRequest(Complete());
  request.set_digest_function(v2::DigestFunction::MD5);
  EXPECT_THAT(Update(request), HasCode(StatusCode::INVALID_ARGUMENT, "digest_function"));
  request = UpdateRequest(Complete(), "a/../b");
  EXPECT_THAT(Update(request), HasCode(StatusCode::INVALID_ARGUMENT, "instance_name"));
  EXPECT_THAT(Get(GetRequest()), HasCode(StatusCode::NOT_FOUND));
}

TEST_F(ActionCacheTest, AResultThatNoClientWouldReadIsNotTaken) {
  v2::ActionResult result;
  const auto resize = [&](std::int64_t bytes) {
    result.mutable_stdout_raw()->resize(static_cast<std::size_t>(bytes));
    result.mutable_stdout_raw()->resize(
        static_cast<std::size_t>(2 * bytes - static_cast<std::int64_t>(result.ByteSizeLong())));
  };
  resize(limits_.result_bytes_max);
  ASSERT_THAT(Update(UpdateRequest(result)), HasCode(StatusCode::OK));
  EXPECT_THAT(Get(GetRequest()), HasCode(StatusCode::OK));
  resize(limits_.result_bytes_max + 1);
  EXPECT_THAT(Update(UpdateRequest(result)), HasCode(StatusCode::INVALID_ARGUMENT, "upload stdout_raw"));
}

// Two million empty fields would be parsed into 160 MB.
TEST_F(ActionCacheTest, WhatSaysNothingIsNotTaken) {
  v2::UpdateActionResultRequest request = UpdateRequest({});
  for (int i = 0; i < 1'900'000; ++i) request.mutable_action_result()->add_output_files();
  EXPECT_THAT(Update(request), HasCode(StatusCode::INVALID_ARGUMENT, "UpdateActionResultRequest: 3800"));
  v2::ActionResult& result = *request.mutable_action_result();
  result.Clear();
  for (int i = 0; i < 900'000; ++i) result.mutable_execution_metadata()->add_auxiliary_metadata();
  result.set_stdout_raw(std::string(1'000'000, 'x'));
  request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(100)->resize(3'500'000);
  EXPECT_THAT(Update(request), HasCode(StatusCode::INVALID_ARGUMENT, "ActionResult: 28000")) << "whatever is around it";
}

TEST_F(ActionCacheTest, AnEmptyResultIsAResult) {
  ASSERT_THAT(Update(UpdateRequest({})), HasCode(StatusCode::OK));
  EXPECT_THAT(Get(GetRequest()), HasCode(StatusCode::OK));
}

// Knows one result of one instance.
class OneResult : public CompleteResults {
 public:
  OneResult(std::string instance, const v2::ActionResult& result)
      : instance_(std::move(instance)), bytes_("in front of it, " + result.SerializeAsString()), result_(result) {}

  std::optional<Result> Find(std::string_view instance, const Digest& action) override {
    if (instance != instance_) return std::nullopt;
    const bool streams = result_.has_stdout_digest() || result_.has_stderr_digest();
    return Result{bytes_, std::string_view(*bytes_.contents()).substr(16), streams};
  }

 private:
  const std::string instance_;
  const Bytes bytes_;
  const v2::ActionResult result_;
};

TEST_F(ActionCacheTest, WhatTheStoreKnowsToBeCompleteGoesOutAsItIs) {
  v2::ActionResult known;
  known.set_exit_code(7);
  OneResult results("known", known);
  results_ = &results;
  Start();
  ASSERT_THAT(Get(GetRequest("known")), HasCode(StatusCode::OK));
  EXPECT_EQ(result_.exit_code(), 7);
  EXPECT_THAT(Get(GetRequest("other")), HasCode(StatusCode::NOT_FOUND)) << "the long way";
  ASSERT_THAT(Update(UpdateRequest(Complete(), "other")), HasCode(StatusCode::OK));
  EXPECT_THAT(Get(GetRequest("other")), HasCode(StatusCode::OK));
}

TEST_F(ActionCacheTest, WhatIsWantedInsideGoesTheLongWay) {
  const v2::ActionResult complete = Complete();
  ASSERT_THAT(Update(UpdateRequest(complete)), HasCode(StatusCode::OK));
  OneResult results("", complete);
  results_ = &results;
  Start();
  v2::GetActionResultRequest request = GetRequest();
  ASSERT_THAT(Get(request), HasCode(StatusCode::OK));
  EXPECT_EQ(result_.stdout_raw(), "");
  request.set_inline_stdout(true);
  ASSERT_THAT(Get(request), HasCode(StatusCode::OK));
  EXPECT_EQ(result_.stdout_raw(), "said");
  request = GetRequest();
  request.add_inline_output_files("out/lib.rlib");
  ASSERT_THAT(Get(request), HasCode(StatusCode::OK));
  EXPECT_EQ(result_.output_files(0).contents(), "library");
}

TEST_F(ActionCacheTest, NobodyIsToldOfResultsWithoutPermission) {
  class Nobody : public Authorizer {
    absl::StatusOr<Principal> Authorize(const Credentials&, std::optional<std::string_view>, Permission) override {
      return absl::PermissionDeniedError("no");
    }
  } nobody;
  OneResult results("", {});
  results_ = &results;
  authorizer_ = &nobody;
  Start();
  EXPECT_THAT(Get(GetRequest()), HasCode(StatusCode::PERMISSION_DENIED));
  server_.reset();
}

}  // namespace
}  // namespace smelt
