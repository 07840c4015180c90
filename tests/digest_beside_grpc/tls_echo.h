#ifndef SMELT_TESTS_DIGEST_BESIDE_GRPC_TLS_ECHO_H_
#define SMELT_TESTS_DIGEST_BESIDE_GRPC_TLS_ECHO_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

namespace smelt {

// The contents of a file in testdata/. server.crt and server.key are a self-signed pair for "smelt.test", made for this
// test and used nowhere else; other.crt is another certificate for the same name.
std::string TestData(const std::string& name);

// A gRPC server on loopback that speaks TLS only. It answers any method with what `answer` makes of the request, called
// on gRPC's own threads.
class TlsServer {
 public:
  explicit TlsServer(std::function<std::string(const std::string&)> answer);
  ~TlsServer();
  std::string address() const;

 private:
  std::unique_ptr<grpc::CallbackGenericService> service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

// What one call brought.
struct Reply {
  grpc::Status status;
  std::string text;
  std::string security;  // gRPC's name of what the connection was protected by: "ssl"
};

// One call on a connection of its own, with the server's certificate checked against `root_certificate`.
Reply Call(const std::string& address, const std::string& root_certificate, const std::string& request);

}  // namespace smelt

#endif  // SMELT_TESTS_DIGEST_BESIDE_GRPC_TLS_ECHO_H_
