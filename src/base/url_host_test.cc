#include "src/base/url_host.h"

#include "gtest/gtest.h"

namespace smelt {
namespace {

TEST(UrlHostTest, OfWhatIsPlain) {
  EXPECT_EQ(UrlHost("http://127.0.0.1:80/keys"), "127.0.0.1");
  EXPECT_EQ(UrlHost("https://example.com"), "example.com");
  EXPECT_EQ(UrlHost("https://Example-1.com:8443?a=b"), "Example-1.com");
  EXPECT_EQ(UrlHost("http://[::1]:80/"), "[::1]");
  EXPECT_EQ(UrlHost("http://[fd00:ec2::23]"), "[fd00:ec2::23]");
}

TEST(UrlHostTest, NothingOfWhatTwoReadersTakeForTwoHosts) {
  for (const char* url :
       {"", "http://", "ftp://example.com", "http:/127.0.0.1", "http://127.0.0.1:80@example.com/",
        "http://127.0.0.1@example.com", "http://[::1]@example.com/", "http://[::1]example.com/", "http://[::1",
        "http://127.0.0.1\\@example.com/", "http://127.0.0.1 example.com/", "http://127.0.0.1:80:90/",
        "http://127.0.0.1%2eexample.com/", "http://127.0.0.1:x/", "http://[::1%25eth0]/"}) {
    EXPECT_EQ(UrlHost(url), "") << url;
  }
}

TEST(UrlHostTest, Loopback) {
  for (const char* host : {"localhost", "127.0.0.1", "127.1.2.3", "[::1]"}) EXPECT_TRUE(IsLoopbackHost(host)) << host;
  for (const char* host : {"", "example.com", "127.0.0.1.example.com", "127.", "127.1.example", "10.0.0.1", "[::2]"}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
}

}  // namespace
}  // namespace smelt
