#include "src/services/admin_service.h"

#include <functional>
#include <optional>

#include "smelt/admin/v1/admin.grpc.pb.h"
#include "src/services/testing/server_fixture.h"

namespace smelt {
namespace {

using grpc::StatusCode;

class AdminServiceTest : public ServerTest {
 protected:
  AdminServiceTest() {
    service_ = NewAdminService(allow_all_, {[this](bool dry_run, std::optional<std::int64_t> down_to) {
                                              asked_ = {dry_run, down_to.value_or(-1)};
                                              return collected_;
                                            },
                                            [] { return std::string("{}"); }});
    more_services_ = {service_.get()};
    Start();
    admin_ = admin::v1::Admin::NewStub(channel_);
  }

  // Before what it serves.
  ~AdminServiceTest() override { server_.reset(); }

  grpc::Status Collect(const admin::v1::CollectGarbageRequest& request) {
    CallContext context;
    return admin_->CollectGarbage(&context, request, &answer_);
  }

  absl::StatusOr<Administration::Collected> collected_ = Administration::Collected{.bytes_before = 9, .bytes_after = 4};
  std::pair<bool, std::int64_t> asked_;
  admin::v1::CollectGarbageResponse answer_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<admin::v1::Admin::Stub> admin_;
};

TEST_F(AdminServiceTest, CollectsWhatIsAsked) {
  admin::v1::CollectGarbageRequest request;
  request.set_dry_run(true);
  request.set_down_to_bytes(5);
  EXPECT_THAT(Collect(request), HasCode(StatusCode::OK));
  EXPECT_EQ(asked_, std::pair(true, std::int64_t{5}));
  EXPECT_EQ(answer_.bytes_before(), 9);
  EXPECT_EQ(answer_.bytes_after(), 4);
  EXPECT_FALSE(answer_.has_bucket());

  collected_->bucket = {.bytes = 7, .objects_deleted = 2};
  EXPECT_THAT(Collect({}), HasCode(StatusCode::OK));
  EXPECT_EQ(asked_, std::pair(false, std::int64_t{-1}));
  EXPECT_EQ(answer_.bucket().objects_deleted(), 2);
}

TEST_F(AdminServiceTest, SaysWhyItDoesNot) {
  admin::v1::CollectGarbageRequest request;
  request.set_down_to_bytes(-1);
  EXPECT_THAT(Collect(request), HasCode(StatusCode::INVALID_ARGUMENT, "down_to_bytes"));
  collected_ = absl::UnavailableError("the bucket is away");
  EXPECT_THAT(Collect({}), HasCode(StatusCode::UNAVAILABLE, "the bucket is away"));
}

TEST_F(AdminServiceTest, MessagesThatSayNothing) {
  admin::v1::CollectGarbageRequest request;
  AddEmptyFields(request);
  EXPECT_THAT(Collect(request), HasCode(StatusCode::INVALID_ARGUMENT, "CollectGarbageRequest: "));
}

}  // namespace
}  // namespace smelt
