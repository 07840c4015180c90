#include "src/services/connections/tls.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "src/auth/role_authorizer.h"
#include "src/base/file_system.h"
#include "src/services/testing/server_fixture.h"

namespace smelt {
namespace {

std::string Path(const std::string& name) {
  return std::filesystem::absolute("tests/operation/testdata/" + name).string();
}

std::string Text(const std::string& name) { return *FileSystem::System().ReadFile(Path(name)); }

// A server that knows nobody but the worker of client.crt.
class TlsTest : public ServerTest {
 protected:
  TlsTest() {
    AuthOptions options;
    options.certificates = {{"spiffe://example.com/worker/*", {Role::kExecutor, {"*"}}}};
    by_certificate_ = MakeAuthorizer(options, clock_);
    auto credentials = MakeTlsCredentials({Path("server.crt"), Path("server.key"), Path("ca.crt")});
    EXPECT_OK(credentials);
    ServerOptions server;
    server.endpoints = {{"127.0.0.1:0", *credentials}};
    auto started = Server::Start({blobs_, actions_, *by_certificate_, clock_, staging_.path(), zstd_forms_}, server);
    EXPECT_OK(started);
    server_ = *std::move(started);
  }

  ~TlsTest() override { server_.reset(); }

  grpc::Status FindMissing(const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    const std::string address = "localhost:" + std::to_string(server_->ports().at(0));
    const auto stub = v2::ContentAddressableStorage::NewStub(grpc::CreateChannel(address, credentials));
    CallContext context;
    v2::FindMissingBlobsResponse response;
    return stub->FindMissingBlobs(&context, {}, &response);
  }

  static std::shared_ptr<grpc::ChannelCredentials> Credentials(const std::string& certificate, const std::string& key) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = Text("ca.crt");
    if (!certificate.empty()) options.pem_cert_chain = Text(certificate);
    if (!key.empty()) options.pem_private_key = Text(key);
    return grpc::SslCredentials(options);
  }

  std::unique_ptr<Authorizer> by_certificate_;
};

TEST_F(TlsTest, ACertificateSaysWhoItIs) {
  EXPECT_THAT(FindMissing(Credentials("client.crt", "client.key")), HasCode(grpc::OK));
}

TEST_F(TlsTest, WithoutACertificateOrWithAnotherNobodyIsKnown) {
  EXPECT_THAT(FindMissing(Credentials("", "")), HasCode(grpc::UNAUTHENTICATED, "wants a token"));
  EXPECT_THAT(FindMissing(Credentials("server.crt", "server.key")),
              HasCode(grpc::UNAUTHENTICATED, "client certificate's names"));
}

TEST_F(TlsTest, PlainConnectionsAreNotServed) {
  EXPECT_THAT(FindMissing(grpc::InsecureChannelCredentials()), HasCode(grpc::UNAVAILABLE));
}

}  // namespace
}  // namespace smelt
