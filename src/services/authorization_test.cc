// Every RPC x role x state of the token, over a real connection.

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "smelt/admin/v1/admin.grpc.pb.h"
#include "src/auth/jwt_authenticator.h"
#include "src/auth/role_authorizer.h"
#include "src/auth/test_issuer.h"
#include "src/auth/token_authenticator.h"
#include "src/reapi/digests.h"
#include "src/services/admin_service.h"
#include "src/services/testing/server_fixture.h"

namespace smelt {
namespace {

constexpr std::int64_t kNow = FakeClock::kStartNanos / 1'000'000'000;
constexpr char kInstance[] = "team/a";
const std::vector<std::string> kRoles = {"reader", "developer", "writer", "executor", "administrator"};

struct Call {
  const char* name;
  const char* who;  // in the order of kRoles
  std::function<grpc::Status(grpc::ClientContext&, const std::string& instance)> make;
};

struct State {
  const char* name;
  std::string header;  // empty: none
  const char* instance;
  grpc::StatusCode refused;  // OK: the role decides
};

class AuthorizationTest : public ServerTest {
 protected:
  AuthorizationTest() {
    AuthOptions options;
    AuthOptions::Jwt jwt{"issuer", "smelt", "", "https://unused.example.com/", 3600, {}};
    for (const std::string& name : kRoles) {
      const AuthOptions::Grant grant{*ParseRole(name), {"team/*"}};
      options.tokens.push_back({name, *HashToken("secret-of-the-" + name + "-role"), grant});
      jwt.rules.push_back({{{"role", name}}, grant});
    }
    std::vector<std::unique_ptr<Authenticator>> authenticators;
    authenticators.push_back(std::make_unique<TokenAuthenticator>(options.tokens));
    authenticators.push_back(std::make_unique<JwtAuthenticator>(
        std::vector{jwt}, clock_, [](const AuthOptions::Jwt&) -> ReadKeys { return [] { return Issuer().Jwks(); }; }));
    roles_ = std::make_unique<RoleAuthorizer>(std::move(authenticators), std::nullopt);
    auditing_ = std::make_unique<AuditingAuthorizer>(*roles_, audit_);
    authorizer_ = auditing_.get();
    admin_service_ = NewAdminService(
        *auditing_, {[](bool, std::optional<std::int64_t>) -> absl::StatusOr<Administration::Collected> {
                       return Administration::Collected{};
                     },
                     [] { return std::string("{}"); }});
    more_services_ = {admin_service_.get()};
    Start();
    admin_ = admin::v1::Admin::NewStub(channel_);
    blob_ = Put("a blob");
    EXPECT_OK(actions_.Of(kInstance)->Put(DigestOf("action"), {}));
  }

  // Before what it serves.
  ~AuthorizationTest() override { server_.reset(); }

  static const TestIssuer& Issuer() {
    static const TestIssuer issuer;
    return issuer;
  }

  static std::string Jwt(const std::string& role, std::int64_t expires, const char* audience) {
    return "Bearer " + Issuer().Es256(fmt::format(R"({{"iss":"issuer","aud":"{}","exp":{},"role":"{}"}})", audience,
                                                  expires, role));
  }

  std::vector<Call> ReadCalls();
  std::vector<Call> WriteCalls();
  std::vector<Call> OtherCalls();

  int RefusalsInTheAudit() {
    int refusals = 0;
    for (const std::string& line : AuditLines()) {
      refusals += line.starts_with("audit: refused instance ");
      EXPECT_EQ(line.find("secret-of-the"), line.npos) << line;
    }
    return refusals;
  }

  static std::vector<State> States(const std::string& role) {
    const std::string secret = "Bearer secret-of-the-" + role + "-role";
    return {
        {"ok", secret, kInstance, grpc::OK},
        {"wrong instance", secret, "main", grpc::PERMISSION_DENIED},
        {"garbage", secret + "x", kInstance, grpc::UNAUTHENTICATED},
        {"none", "", kInstance, grpc::UNAUTHENTICATED},
        {"JWT ok", Jwt(role, kNow + 60, "smelt"), kInstance, grpc::OK},
        {"JWT expired", Jwt(role, kNow - 100, "smelt"), kInstance, grpc::UNAUTHENTICATED},
        {"JWT for another audience", Jwt(role, kNow + 60, "other"), kInstance, grpc::UNAUTHENTICATED},
        {"JWT wrong instance", Jwt(role, kNow + 60, "smelt"), "main", grpc::PERMISSION_DENIED},
    };
  }

  std::unique_ptr<Authorizer> roles_, auditing_;
  std::unique_ptr<grpc::Service> admin_service_;
  std::unique_ptr<admin::v1::Admin::Stub> admin_;
  Digest blob_;
};

std::string BlobName(const std::string& instance, const Digest& digest) {
  return instance + "/blobs/" + digest.ToString();
}

std::vector<Call> AuthorizationTest::ReadCalls() {
  return {
      {"FindMissingBlobs", "yyyyy",
       [this](grpc::ClientContext& context, const std::string& instance) {
         v2::FindMissingBlobsRequest request;
         request.set_instance_name(instance);
         *request.add_blob_digests() = reapi::ToProto(blob_);
         v2::FindMissingBlobsResponse response;
         return cas_->FindMissingBlobs(&context, request, &response);
       }},
      {"BatchReadBlobs", "yyyyy",
       [this](grpc::ClientContext& context, const std::string& instance) {
         v2::BatchReadBlobsRequest request;
         request.set_instance_name(instance);
         *request.add_digests() = reapi::ToProto(blob_);
         v2::BatchReadBlobsResponse response;
         return cas_->BatchReadBlobs(&context, request, &response);
       }},
      {"GetTree", "yyyyy",
       [this](grpc::ClientContext& context, const std::string& instance) {
         v2::GetTreeRequest request;
         request.set_instance_name(instance);
         *request.mutable_root_digest() = reapi::ToProto(DigestOf(std::string_view()));
         v2::GetTreeResponse response;
         auto reader = cas_->GetTree(&context, request);
         while (reader->Read(&response)) {
         }
         return reader->Finish();
       }},
      {"Read", "yyyyy",
       [this](grpc::ClientContext& context, const std::string& instance) {
         bs::ReadRequest request;
         request.set_resource_name(BlobName(instance, blob_));
         bs::ReadResponse response;
         auto reader = bytes_->Read(&context, request);
         while (reader->Read(&response)) {
         }
         return reader->Finish();
       }},
      {"GetActionResult", "yyyyy",
       [this](grpc::ClientContext& context, const std::string& instance) {
         v2::GetActionResultRequest request;
         request.set_instance_name(instance);
         *request.mutable_action_digest() = reapi::ToProto(DigestOf("action"));
         v2::ActionResult response;
         return cache_->GetActionResult(&context, request, &response);
       }},
  };
}

std::vector<Call> AuthorizationTest::WriteCalls() {
  return {
      {"BatchUpdateBlobs", "nyyyy",
       [this](grpc::ClientContext& context, const std::string& instance) {
         v2::BatchUpdateBlobsRequest request;
         request.set_instance_name(instance);
         *request.add_requests()->mutable_digest() = reapi::ToProto(DigestOf("new"));
         request.mutable_requests(0)->set_data("new");
         v2::BatchUpdateBlobsResponse response;
         return cas_->BatchUpdateBlobs(&context, request, &response);
       }},
      {"Write", "nyyyy",
       [this](grpc::ClientContext& context, const std::string& instance) {
         bs::WriteRequest request;
         request.set_resource_name(instance + "/uploads/9a5f1d2e-0000-4000-8000-000000000000/blobs/" +
                                   DigestOf("written").ToString());
         request.set_data("written");
         request.set_finish_write(true);
         bs::WriteResponse response;
         auto writer = bytes_->Write(&context, &response);
         writer->Write(request);
         writer->WritesDone();
         return writer->Finish();
       }},
      {"QueryWriteStatus", "nyyyy",
       [this](grpc::ClientContext& context, const std::string& instance) {
         bs::QueryWriteStatusRequest request;
         request.set_resource_name(instance + "/uploads/9a5f1d2e-0000-4000-8000-000000000001/blobs/" +
                                   DigestOf("absent").ToString());
         bs::QueryWriteStatusResponse response;
         return bytes_->QueryWriteStatus(&context, request, &response);
       }},
      {"UpdateActionResult", "nnynn",
       [this](grpc::ClientContext& context, const std::string& instance) {
         v2::UpdateActionResultRequest request;
         request.set_instance_name(instance);
         *request.mutable_action_digest() = reapi::ToProto(DigestOf("action"));
         request.mutable_action_result()->set_stdout_raw("x");
         v2::ActionResult response;
         return cache_->UpdateActionResult(&context, request, &response);
       }},
  };
}

std::vector<Call> AuthorizationTest::OtherCalls() {
  return {
      {"CollectGarbage", "nnnny",
       [this](grpc::ClientContext& context, const std::string& instance) {
         admin::v1::CollectGarbageRequest request;
         request.set_instance_name(instance);
         admin::v1::CollectGarbageResponse response;
         return admin_->CollectGarbage(&context, request, &response);
       }},
      {"GetStatus", "nnnny",
       [this](grpc::ClientContext& context, const std::string& instance) {
         admin::v1::GetStatusRequest request;
         request.set_instance_name(instance);
         admin::v1::GetStatusResponse response;
         return admin_->GetStatus(&context, request, &response);
       }},
  };
}

TEST_F(AuthorizationTest, EveryCallRoleAndState) {
  int cells = 0;
  for (const auto& calls : {ReadCalls(), WriteCalls(), OtherCalls()}) {
    for (const Call& call : calls) {
      for (std::size_t role = 0; role < kRoles.size(); ++role) {
        for (const State& state : States(kRoles[role])) {
          CallContext context;
          if (!state.header.empty()) context.AddMetadata("authorization", state.header);
          const grpc::StatusCode by_role = call.who[role] == 'y' ? grpc::OK : grpc::PERMISSION_DENIED;
          const grpc::StatusCode expected = state.refused == grpc::OK ? by_role : state.refused;
          clock_.AdvanceNanos(100'000'000);  // each refusal has its line
          AuditLines();
          EXPECT_THAT(call.make(context, state.instance), HasCode(expected))
              << call.name << ", " << kRoles[role] << ", " << state.name;
          EXPECT_EQ(RefusalsInTheAudit(), expected == grpc::OK ? 0 : 1)
              << call.name << ", " << kRoles[role] << ", " << state.name;
          ++cells;
        }
      }
    }
  }
  EXPECT_EQ(cells, 11 * 5 * 8);
}

TEST_F(AuthorizationTest, CapabilitiesSayWhoMayWriteResults) {
  const auto capabilities = v2::Capabilities::NewStub(channel_);
  for (const std::string& role : kRoles) {
    for (const State& state : States(role)) {
      CallContext context;
      if (!state.header.empty()) context.AddMetadata("authorization", state.header);
      v2::GetCapabilitiesRequest request;
      request.set_instance_name(state.instance);
      v2::ServerCapabilities response;
      const bool bad_token = state.refused == grpc::UNAUTHENTICATED && !state.header.empty();
      AuditLines();
      EXPECT_THAT(capabilities->GetCapabilities(&context, request, &response),
                  HasCode(bad_token ? grpc::UNAUTHENTICATED : grpc::OK))
          << role << ", " << state.name;
      EXPECT_EQ(response.cache_capabilities().action_cache_update_capabilities().update_enabled(),
                role == "writer" && state.refused == grpc::OK)
          << role << ", " << state.name;
      EXPECT_EQ(RefusalsInTheAudit(), 0) << "a question is no call that is refused";
    }
  }
}

}  // namespace
}  // namespace smelt
