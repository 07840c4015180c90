#include "src/config/server_config.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/types/span.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using absl::StatusCode;
using testing::HasSubstr;
using testing::StartsWith;

const char kHash[] = "71c480df93d6ae2f1efad1447c66c9525e316218cf51fc8d9ed832f2daf18b73";

std::string Filled(std::string text) {
  for (std::size_t at; (at = text.find("HASH")) != text.npos;) text.replace(at, 4, kHash);
  return text;
}

constexpr char kEverything[] = R"(
[server]
listen = ["0.0.0.0:8980", "unix:/run/smelt.sock"]
insecure = true
reflection = true
drain = "1m"
[storage]
directory = "/data"
size = "1TiB"
free = "10GiB"
lease = "4h"
high = 0.95
low = 0.5
[tls]
certificate = "/c"
key = "/k"
client_ca = "/ca"
[status]
listen = ""
open = true
[limits]
memory = "1GiB"
blob = "2GiB"
streams = 10
idle = "10s"
[s3]
bucket = "b"
region = "r"
endpoint = "e"
use_ssl = false
virtual_host_style = true
ca_file = "/x"
key_prefix = "p"
server_side_encryption = "aws:kms"
kms_key_id = "k"
no_credentials = true
profile = "f"
index_memory = "3GiB"
[[instance]]
name = "pr/*"
parent = "main"
[[instance]]
name = "main"
parent = ""
[auth.anonymous]
role = "reader"
instances = ["open"]
[[auth.token]]
name = "laptop"
sha256 = "HASH"
role = "developer"
[[auth.token]]
name = "ci"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
role = "writer"
instances = ["main", "pr/*"]
[[auth.jwt]]
issuer = "https://i"
audience = "a"
jwks_url = "https://i/jwks"
lifetime_max = "30m"
[[auth.jwt.rule]]
claims = { repository = "acme/*", ref = "x" }
role = "writer"
instances = ["pr/{number}"]
[[auth.certificate]]
name = "spiffe://x/*"
role = "executor"
)";

TEST(ServerConfig, AllKeys) {
  ASSERT_OK_AND_ASSIGN(const ServerConfig c, ParseServerConfig(Filled(kEverything), "s.toml"));
  EXPECT_EQ(c.server.listen, (std::vector<std::string>{"0.0.0.0:8980", "unix:/run/smelt.sock"}));
  EXPECT_TRUE(c.server.insecure && c.server.reflection && c.status.open);
  EXPECT_EQ(c.server.drain_seconds, 60);
  EXPECT_EQ(c.storage.directory, "/data");
  EXPECT_EQ(c.storage.size, 1LL << 40);
  EXPECT_EQ(c.storage.free, 10LL << 30);
  EXPECT_EQ(c.storage.lease_seconds, 4 * 3600);
  EXPECT_EQ(c.storage.high, 0.95);
  EXPECT_EQ(c.storage.low, 0.5);
  EXPECT_EQ(c.tls.certificate + c.tls.key + c.tls.client_ca, "/c/k/ca");
  EXPECT_EQ(c.status.listen, "");
  EXPECT_EQ(c.limits.memory, 1LL << 30);
  EXPECT_EQ(c.limits.blob, 2LL << 30);
  EXPECT_EQ(c.limits.streams, 10);
  EXPECT_EQ(c.limits.idle_seconds, 10);
  ASSERT_TRUE(c.s3.has_value());
  EXPECT_EQ(c.s3->bucket + c.s3->region + c.s3->endpoint + c.s3->key_prefix + c.s3->kms_key_id + c.s3->profile,
            "brepkf");
  EXPECT_EQ(c.s3->ca_bundle, "/x");
  EXPECT_EQ(c.s3->index_bytes_max, 3LL << 30);
  EXPECT_TRUE(!c.s3->use_ssl && c.s3->virtual_host_style && c.s3->no_credentials);
  EXPECT_EQ(c.s3->encryption, S3Options::Encryption::kKms);
  EXPECT_EQ(c.parents, (std::vector<std::pair<std::string, std::string>>{{"pr/*", "main"}, {"main", ""}}));
}

TEST(ServerConfig, AllOfAuth) {
  ASSERT_OK_AND_ASSIGN(const ServerConfig c, ParseServerConfig(Filled(kEverything), "s.toml"));
  ASSERT_TRUE(c.auth.anonymous.has_value());
  EXPECT_EQ(c.auth.anonymous->instances, std::vector<std::string>{"open"});
  ASSERT_EQ(c.auth.tokens.size(), 2u);
  EXPECT_EQ(c.auth.tokens[0].name, "laptop");
  EXPECT_EQ(c.auth.tokens[0].grant.role, Role::kDeveloper);
  EXPECT_EQ(c.auth.tokens[0].grant.instances, std::vector<std::string>{"*"});
  EXPECT_EQ(c.auth.tokens[0].sha256, kHash);
  EXPECT_EQ(c.auth.tokens[1].grant.instances, (std::vector<std::string>{"main", "pr/*"}));
  ASSERT_EQ(c.auth.jwts.size(), 1u);
  EXPECT_EQ(c.auth.jwts[0].issuer + c.auth.jwts[0].audience + c.auth.jwts[0].jwks_url, "https://iahttps://i/jwks");
  EXPECT_EQ(c.auth.jwts[0].lifetime_seconds_max, 1800);
  ASSERT_EQ(c.auth.jwts[0].rules.size(), 1u);
  EXPECT_EQ(c.auth.jwts[0].rules[0].claims.at("repository"), "acme/*");
  EXPECT_EQ(c.auth.jwts[0].rules[0].grant.instances, std::vector<std::string>{"pr/{number}"});
  ASSERT_EQ(c.auth.certificates.size(), 1u);
  EXPECT_EQ(c.auth.certificates[0].grant.role, Role::kExecutor);
}

TEST(ServerConfig, FilesAreListedWithTheirPlaces) {
  ASSERT_OK_AND_ASSIGN(const ServerConfig c,
                       ParseServerConfig("[[auth.jwt]]\nissuer = \"i\"\naudience = \"a\"\njwks_file = \"/keys\"\n"
                                         "[[auth.jwt.rule]]\nclaims = { a = \"b\" }\nrole = \"reader\"\n"
                                         "instances = [\"*\"]\n[tls]\nclient_ca = \"/ca\"\nkey = \"/k\"\n"
                                         "certificate = \"/c\"\n[s3]\nbucket = \"b\"\nca_file = \"/x\"\n",
                                         "s.toml"));
  std::string all;
  for (const NamedFile& file : c.files) all += file.place + " " + file.path + "\n";
  EXPECT_EQ(all,
            "s.toml:4: auth.jwt.jwks_file /keys\ns.toml:10: tls.client_ca /ca\ns.toml:11: tls.key /k\n"
            "s.toml:12: tls.certificate /c\ns.toml:15: s3.ca_file /x\n");
  EXPECT_EQ(c.files[1].holds, NamedFile::Holds::kAuthorities);
  EXPECT_EQ(c.files[2].holds, NamedFile::Holds::kKey);
}

TEST(ServerConfig, NothingIsTheDefault) {
  ASSERT_OK_AND_ASSIGN(const ServerConfig c, ParseServerConfig("", "s.toml"));
  EXPECT_EQ(c.server.listen, std::vector<std::string>{"127.0.0.1:8980"});
  EXPECT_TRUE(c.auth.empty() && !c.s3 && !c.server.insecure && !c.server.reflection && !c.status.open);
}

using ErrorCase = std::pair<const char*, const char*>;

void ExpectErrors(absl::Span<const ErrorCase> cases) {
  for (const auto& [text, expected] : cases) {
    const absl::Status status = ParseServerConfig(Filled(text), "s.toml").status();
    EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument, StartsWith(expected))) << text;
    EXPECT_EQ(std::string(status.message()).find("canary"), std::string::npos) << "a secret is shown";
  }
}

TEST(ServerConfig, ErrorsNameFileLineKeyAndWhatWouldBeRight) {
  const ErrorCase kCases[] = {
      {"[server\n", "s.toml:1: "},
      {"x = 1\n", "s.toml:1: there is no 'x'; there is server, storage,"},
      {"server = 1\n", "s.toml:1: server: is no table"},
      {"[server]\nport = 1\n", "s.toml:2: server: there is no 'port'; there is listen, insecure"},
      {"[server]\nlisten = \"127.0.0.1:1\"\n", "s.toml:2: server.listen: write a list of texts"},
      {"[server]\nlisten = [1]\n", "s.toml:2: server.listen: write a list of texts"},
      {"[server]\nlisten = []\n", "s.toml:2: server.listen: write one address at least"},
      {"[server]\nlisten = [\"localhost\"]\n",
       "s.toml:2: server.listen: 'localhost' has no port: write \"localhost:8980\""},
      {"[server]\nlisten = [\"127.0.0.1:99999\"]\n", "s.toml:2: server.listen: '127.0.0.1:99999' has no port: write a"},
      {"[server]\nlisten = [\"127.0.0.1:-1\"]\n",
       "s.toml:2: server.listen: '127.0.0.1:-1' has no port: write a number"},
      {"[server]\nlisten = [\"127.0.0.1:\"]\n", "s.toml:2: server.listen: '127.0.0.1:' has no port: write a number"},
      {"[server]\nlisten = [\"::1:8980\"]\n", "s.toml:2: server.listen: '::1:8980' is no address: write"},
      {"[server]\nlisten = [\"dns:///x:1\"]\n", "s.toml:2: server.listen: 'dns:///x:1' is no address: write"},
      {"[server]\nlisten = [\"unix:s\"]\n", "s.toml:2: server.listen: 'unix:s' names no file: write"},
      {"[status]\nlisten = \"localhost\"\n", "s.toml:2: status.listen: 'localhost' has no port: write"},
      {"[server]\n\ninsecure = \"yes\"\n", "s.toml:3: server.insecure: write true or false"},
      {"[server]\ndrain = \"soon\"\n", "s.toml:2: server.drain: 'soon' is not a duration"},
      {"[server]\ndrain = true\n", "s.toml:2: server.drain: write a number with its unit in quotes"},
      {"[storage]\nsize = \"big\"\n", "s.toml:2: storage.size: 'big' is not a size"},
      {"[storage]\nsize = 5.5\n", "s.toml:2: storage.size: write a number with its unit in quotes"},
      {"[storage]\nsize = -1\n", "s.toml:2: storage.size: '-1' is not a size"},
      {"[storage]\ndirectory = \"\"\n", "s.toml:2: storage.directory: write a text in quotes"},
      {"[storage]\nhigh = 2\n", "s.toml:2: storage.high: write a number from 0 to 1"},
      {"[storage]\nhigh = 0.5\n", "s.toml:1: storage: 'low' (0.8) must be less than 'high' (0.5)"},
      {"[tls]\nkey = \"k\"\n", "s.toml:1: tls: needs the keys 'certificate' and 'key'"},
      {"[limits]\nstreams = 0\n", "s.toml:2: limits.streams: write a whole number from 1 to 100000"},
      {"[limits]\nstreams = \"9\"\n", "s.toml:2: limits.streams: write a whole number"},
      {"[s3]\nbucket = \"b\"\nkms_key_id = \"k\"\n", "s.toml:3: s3.kms_key_id: needs server_side_encryption = "},
      {"[instance]\nname = \"a\"\n", "s.toml:1: instance: write [[instance]]"},
      {"[[instance]]\nparent = \"a\"\n", "s.toml:1: instance: needs the key 'name'"},
      {"[[instance]]\nname = \"a\"\n", "s.toml:1: instance: needs the key 'parent'"},
      {"[[instance]]\nname = \"a\"\nparent = \"b*\"\n", "s.toml:1: instance: 'parent' is one name"},
      {"[auth.anonymous]\nrole = \"writer\"\n", "s.toml:1: auth.anonymous: the role of the anonymous"},
      {"[[auth.token]]\nname = \"a\"\n", "s.toml:1: auth.token: needs the key 'role'"},
      {"[[auth.token]]\nrole = \"king\"\n", "s.toml:2: auth.token.role: write one of reader, developer,"},
      {"[[auth.token]]\nrole = \"reader\"\nname = \"a\"\n", "s.toml:1: auth.token: needs the key 'sha256'"},
      {"[[auth.token]]\nrole = \"reader\"\nsha256 = \"HASH\"\n", "s.toml:1: auth.token: needs the key 'name'"},
      {"[[auth.token]]\nsha256 = \"canary\"\n", "s.toml:2: auth.token.sha256: write the 64 hexadecimal digits"},
      {"[[auth.token]]\nname=\"a\"\nrole=\"reader\"\nsha256=\"HASH\"\n[[auth.token]]\nname=\"b\"\nrole=\"writer\"\n"
       "sha256=\"HASH\"\n",
       "s.toml:5: auth.token: has the sha256 of 'a'"},
      {"[[auth.token]]\ntoken = \"canary\"\n", "s.toml:2: auth.token: there is no 'token'"},
      {"[[auth.jwt]]\naudience = \"a\"\n", "s.toml:1: auth.jwt: needs the key 'issuer'"},
      {"[[auth.jwt]]\nissuer = \"a\"\n", "s.toml:1: auth.jwt: needs the key 'audience'"},
      {"[[auth.jwt]]\nissuer = \"a\"\naudience = \"a\"\n", "s.toml:1: auth.jwt: needs one of the keys"},
      {"[[auth.jwt]]\njwks_url = \"http://example.com/\"\n",
       "s.toml:2: auth.jwt.jwks_url: 'http://example.com/': keys"},
      {"[[auth.jwt]]\nissuer = \"a\"\naudience = \"a\"\njwks_file = \"/f\"\n",
       "s.toml:1: auth.jwt: needs a [[auth.jwt.rule]]"},
      {"[[auth.jwt]]\n[[auth.jwt.rule]]\nrole = \"reader\"\n", "s.toml:2: auth.jwt.rule: needs the key 'claims'"},
      {"[[auth.jwt]]\n[[auth.jwt.rule]]\nrole = \"reader\"\nclaims = { a = \"b\" }\n",
       "s.toml:2: auth.jwt.rule: needs the key 'instances'"},
      {"[[auth.jwt]]\n[[auth.jwt.rule]]\nclaims = { a = 1 }\n", "s.toml:3: auth.jwt.rule.claims.a: write a text"},
      {"[[auth.certificate]]\nrole = \"reader\"\n", "s.toml:1: auth.certificate: needs the key 'name'"},
      {"[[auth.certificate]]\nrole = \"reader\"\nname = \"a\"\n", "s.toml:1: auth.certificate: needs tls.client_ca"},
  };
  ExpectErrors(kCases);
}

TEST(ServerConfig, ErrorsInABucketsName) {
  const ErrorCase kCases[] = {
      {"[s3]\nregion = \"x\"\n", "s.toml:1: s3: needs the key 'bucket'"},
      {"[s3]\nbucket = \"x\"\nsecret_key = \"x\"\n", "s.toml:3: s3: there is no 'secret_key'"},
      {"[s3]\nbucket = \"a/b\"\n", "s.toml:2: s3.bucket: 'a/b' is no bucket's name"},
      {"[s3]\nendpoint = \"ftp://x\"\n", "s.toml:2: s3.endpoint: 'ftp://x' is no endpoint: write"},
      {"[s3]\nendpoint = \"http://canary:canary@x\"\n", "s.toml:2: s3.endpoint: '...' is no endpoint: write"},
      {"[s3]\nendpoint = \"https://x/path\"\n", "s.toml:2: s3.endpoint: 'https://x/path' is no endpoint: write"},
      {"[s3]\nendpoint = \"x:65536\"\n", "s.toml:2: s3.endpoint: 'x:65536' is no endpoint: write"},
      {"[s3]\nendpoint = \"https://\"\n", "s.toml:2: s3.endpoint: 'https://' is no endpoint: write"},
      {"[s3]\nkey_prefix = \"a/../b\"\n", "s.toml:2: s3.key_prefix: 'a/../b' is no prefix: write names"},
      {"[s3]\nindex_memory = \"1MiB\"\n", "s.toml:2: s3.index_memory: 1048576 bytes are too few: write \"16MiB\""},
      {"[s3]\nindex_memory = \"much\"\n", "s.toml:2: s3.index_memory: 'much' is not a size"},
      {"[s3]\nserver_side_encryption = \"ROT13\"\n", "s.toml:2: s3.server_side_encryption: write \"AES256\""},
  };
  ExpectErrors(kCases);
}

std::string Instances(const std::vector<std::pair<const char*, const char*>>& parents) {
  std::string text;
  for (const auto& [name, parent] : parents) {
    text += std::string("[[instance]]\nname = \"") + name + "\"\nparent = \"" + parent + "\"\n";
  }
  return text;
}

TEST(ServerConfig, NobodyIsAnAncestorOfItself) {
  const std::pair<std::string, const char*> kCases[] = {
      {Instances({{"a", "a"}}), "s.toml:3: instance.parent: 'a' cannot be its own parent"},
      {Instances({{"", ""}}), "s.toml:2: instance.name: write a text"},
      {Instances({{"a", "b"}, {"b", "a"}}), "s.toml:6: instance.parent: 'a' -> 'b' -> 'a' is its own ancestor: end"},
      {Instances({{"c", "a"}, {"a", "b"}, {"b", "a"}, {"d", "a"}}), "s.toml:9: instance.parent: 'a' -> 'b' -> 'a' is"},
      {Instances({{"pr/*", "main"}, {"m*", "x"}, {"x", "pr/1"}}),
       "s.toml:9: instance.parent: 'pr/1' -> 'main' -> 'x' -> 'pr/1' is its own ancestor"},
  };
  for (const auto& [text, expected] : kCases) {
    EXPECT_THAT(ParseServerConfig(text, "s.toml"), StatusIs(StatusCode::kInvalidArgument, StartsWith(expected)))
        << text;
  }
  // All but "main" read it; chains end; the first rule decides; who a parent is nobody needs to say.
  for (const std::string& text : {Instances({{"*", "main"}}), Instances({{"a", "b"}, {"b", "c"}, {"pr/*", "a"}}),
                                  Instances({{"a", "b"}, {"b", ""}, {"b", "a"}}), Instances({{"m*", "main"}})}) {
    EXPECT_OK(ParseServerConfig(text, "s.toml").status()) << text;
  }
}

TEST(ServerConfig, AFileThatIsNotThere) {
  for (const char* file : {"/nonexistent/s.toml", "/"}) {
    EXPECT_THAT(LoadServerConfig(file), StatusIs(StatusCode::kInvalidArgument, StartsWith(file)));
  }
}

TEST(ServerConfig, WhatIsNestedWithoutEndIsNoConfiguration) {
  constexpr int kTimes = 100'000;
  std::string keys = "a";
  for (int i = 0; i < kTimes; ++i) keys += ".a";
  for (const std::string& text :
       {"a = " + std::string(kTimes, '['), "a = " + std::string(kTimes, '{'), "[" + keys + "]", keys + " = 1"}) {
    EXPECT_THAT(ParseServerConfig("\n" + text + "\n", "s.toml"),
                StatusIs(StatusCode::kInvalidArgument, StartsWith("s.toml:2: ")));
  }
}

TEST(ServerConfig, NobodyListensBeyondLoopbackUnasked) {
  const auto check = [](const std::string& listen, const std::string& more) {
    absl::StatusOr<ServerConfig> c =
        ParseServerConfig(Filled("[server]\nlisten = [" + listen + "]\n" + more), "s.toml");
    return c.ok() ? CheckExposure(*c) : c.status();
  };
  const char* kToken = "[[auth.token]]\nname=\"a\"\nsha256=\"HASH\"\nrole=\"reader\"\n";
  for (const char* local : {"\"127.0.0.1:1\"", "\"127.9.9.9:1\"", "\"[::1]:1\"", "\"localhost:1\"", "\"unix:/s\""}) {
    EXPECT_OK(check(local, "")) << local;
  }
  for (const char* open : {"\"0.0.0.0:1\"", "\"[::]:1\"", "\":1\"", "\"10.0.0.1:1\"", "\"127.0.0.1:1\", \"0.0.0.0:1\"",
                           "\"127.example.com:1\""}) {
    EXPECT_THAT(check(open, ""), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("insecure = true"))) << open;
    EXPECT_THAT(check(open, "[auth.anonymous]\nrole=\"reader\"\n"), StatusIs(StatusCode::kFailedPrecondition)) << open;
    EXPECT_OK(check(open, kToken)) << open;
    EXPECT_OK(check(open, "insecure = true\n")) << open;
  }
}

TEST(ServerConfig, NobodySeesTheStatusBeyondLoopbackUnasked) {
  const auto check = [](const std::string& status, const std::string& more) {
    const auto c = ParseServerConfig(Filled("[status]\nlisten = \"" + status + "\"\n" + more), "s.toml");
    return c.ok() ? CheckExposure(*c) : c.status();
  };
  for (const char* local : {"127.0.0.1:1", "", "localhost:1", "[::1]:1"}) EXPECT_OK(check(local, "")) << local;
  for (const char* open : {"0.0.0.0:1", ":1", "[::]:1", "10.0.0.1:1"}) {
    EXPECT_THAT(check(open, ""), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("status.open = true"))) << open;
    EXPECT_OK(check(open, "open = true\n")) << open;
    EXPECT_OK(check(open, "[server]\ninsecure = true\n")) << open;
    EXPECT_OK(check(open, "[[auth.token]]\nname=\"a\"\nsha256=\"HASH\"\nrole=\"reader\"\n")) << open;
  }
}

}  // namespace
}  // namespace smelt
