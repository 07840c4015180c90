#include "tests/digest_beside_grpc/tls_echo.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace smelt {
namespace {

constexpr std::chrono::seconds kCallSecondsMax(60);

grpc::ByteBuffer ToBuffer(const std::string& text) {
  grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToText(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

// One call: reads the request, writes the answer, ends.
class Reactor : public grpc::ServerGenericBidiReactor {
 public:
  explicit Reactor(const std::function<std::string(const std::string&)>& answer) : answer_(answer) {
    StartRead(&buffer_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no request"));
    buffer_ = ToBuffer(answer_(ToText(buffer_)));
    StartWriteAndFinish(&buffer_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  const std::function<std::string(const std::string&)>& answer_;
  grpc::ByteBuffer buffer_;
};

class Service : public grpc::CallbackGenericService {
 public:
  explicit Service(std::function<std::string(const std::string&)> answer) : answer_(std::move(answer)) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Reactor(answer_);
  }

 private:
  const std::function<std::string(const std::string&)> answer_;
};

}  // namespace

std::string TestData(const std::string& name) {
  std::ifstream in("tests/digest_beside_grpc/testdata/" + name, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

TlsServer::TlsServer(std::function<std::string(const std::string&)> answer)
    : service_(std::make_unique<Service>(std::move(answer))) {
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({TestData("server.key"), TestData("server.crt")});
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
  builder.RegisterCallbackGenericService(service_.get());
  server_ = builder.BuildAndStart();
}

TlsServer::~TlsServer() {
  if (server_) server_->Shutdown(std::chrono::system_clock::now());
}

std::string TlsServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

Reply Call(const std::string& address, const std::string& root_certificate, const std::string& request) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = root_certificate;
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("smelt.test");
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  grpc::GenericStub stub(grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments));

  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallSecondsMax);
  grpc::CompletionQueue queue;
  auto call = stub.PrepareUnaryCall(&context, "/smelt.test.Echo/Echo", ToBuffer(request), &queue);
  call->StartCall();
  Reply reply;
  grpc::ByteBuffer answer;
  call->Finish(&answer, &reply.status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  reply.text = ToText(answer);
  if (reply.status.ok()) {
    for (grpc::string_ref value : context.auth_context()->FindPropertyValues("transport_security_type")) {
      reply.security.assign(value.data(), value.size());
    }
  }
  return reply;
}

}  // namespace smelt
