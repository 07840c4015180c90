// gRPC brings OpenSSL into the process, which has functions of the same names as BoringSSL. Each must keep calling its
// own: docs/adr/0002-boringssl-beside-openssl.md.

#include <gtest/gtest.h>
#include <link.h>

#include <atomic>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

#include "src/digest/hasher.h"
#include "tests/digest_beside_grpc/tls_echo.h"

namespace smelt {
namespace {

// FIPS 180-4's examples.
constexpr char kDigestOfNothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char kDigestOfAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kDigestOfMillionA[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

std::string MillionA() { return std::string(1'000'000, 'a'); }

std::string HexInPieces(const std::string& text) {
  constexpr std::size_t kPiece = 1000;
  Hasher hasher;
  for (std::size_t at = 0; at < text.size(); at += kPiece) hasher.Update(std::string_view(text).substr(at, kPiece));
  return hasher.Finish().Hex();
}

bool DigestsAreRight() {
  return DigestOf("").Hex() == kDigestOfNothing && DigestOf("abc").Hex() == kDigestOfAbc &&
         HexInPieces(MillionA()) == kDigestOfMillionA;
}

bool HasLibrary(const char* name) {
  auto matches = [](dl_phdr_info* info, std::size_t, void* wanted) {
    return std::strstr(info->dlpi_name, static_cast<const char*>(wanted)) != nullptr ? 1 : 0;
  };
  return dl_iterate_phdr(matches, const_cast<char*>(name)) != 0;
}

class DigestBesideGrpc : public testing::Test {
 protected:
  static std::string HexOf(const std::string& text) { return DigestOf(text).Hex(); }
  TlsServer server_{HexOf};
};

TEST_F(DigestBesideGrpc, OpenSslIsInThisProcess) { EXPECT_TRUE(HasLibrary("/libcrypto.so")); }

TEST_F(DigestBesideGrpc, DigestsBeforeAndAfterATlsCall) {
  ASSERT_TRUE(DigestsAreRight());
  Reply reply = Call(server_.address(), TestData("server.crt"), "abc");
  ASSERT_TRUE(reply.status.ok()) << reply.status.error_message();
  EXPECT_EQ(reply.security, "ssl");
  EXPECT_EQ(reply.text, kDigestOfAbc);
  EXPECT_TRUE(DigestsAreRight());
}

// If BoringSSL's functions stood before OpenSSL's, checking a certificate would be what breaks.
TEST_F(DigestBesideGrpc, TlsStillChecksCertificates) {
  Reply reply = Call(server_.address(), TestData("other.crt"), "abc");
  EXPECT_EQ(reply.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(reply.text, "");
  EXPECT_TRUE(DigestsAreRight());
}

TEST_F(DigestBesideGrpc, DigestsWhileOtherThreadsSpeakTls) {
  constexpr int kCalls = 8;
  std::atomic<bool> calling = true;
  std::atomic<int> wrong = 0, rounds = 0;
  std::thread digesting([&] {
    do {
      if (!DigestsAreRight()) ++wrong;
      ++rounds;
    } while (calling);
  });
  for (int i = 0; i < kCalls; ++i) {
    Reply reply = Call(server_.address(), TestData("server.crt"), MillionA());
    EXPECT_TRUE(reply.status.ok()) << reply.status.error_message();
    EXPECT_EQ(reply.text, kDigestOfMillionA);
  }
  calling = false;
  digesting.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(rounds, 0);
}

}  // namespace
}  // namespace smelt
