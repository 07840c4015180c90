#include "src/base/remote_endpoint.h"

#include <gtest/gtest.h>

namespace smelt {
namespace {

TEST(ParseEndpoint, Forms) {
  struct Case {
    const char* text;
    const char* address;
    bool tls, loopback;
  };
  for (const Case& c :
       {Case{"grpc://cache:8980", "cache:8980", false, false},
        Case{"grpcs://cache.example:443", "cache.example:443", true, false},
        Case{"grpcs://cache:443/", "cache:443", true, false}, Case{"localhost:1", "localhost:1", false, true},
        Case{"grpc://127.0.0.1:8980", "127.0.0.1:8980", false, true},
        Case{"grpc://[::1]:8980", "[::1]:8980", false, true},
        Case{"[fe80::1%eth0]:8980", "[fe80::1%eth0]:8980", false, false},
        Case{"[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.1]:80", false, false},
        Case{"unix:/run/smelt.sock", "unix:/run/smelt.sock", false, true}}) {
    const auto endpoint = ParseEndpoint(c.text);
    ASSERT_TRUE(endpoint.ok()) << c.text;
    EXPECT_EQ(endpoint->address, c.address);
    EXPECT_EQ(endpoint->tls, c.tls) << c.text;
    EXPECT_EQ(endpoint->loopback, c.loopback) << c.text;
  }
}

TEST(ParseEndpoint, WhatIsNone) {
  for (const char* text : {"", "cache", "cache:", "cache:0", "cache:65536", "cache:80x", ":80", "http://cache:80",
                           "grpc://", "grpc://a:b@cache:80", "grpc://cache:80/path", "::1:80", "a b:1", "[]:1",
                           "[::1 ]:80", "[::\n1]:80", "[/x]:80", "[cache]:80", "[::1%a/b]:80"}) {
    const auto endpoint = ParseEndpoint(text);
    EXPECT_FALSE(endpoint.ok()) << text;
    EXPECT_NE(endpoint.status().message().find("grpcs://HOST:PORT"), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace smelt
