#include "src/store/remote/unreachable.h"

#include "fmt/format.h"

namespace smelt {
namespace {

enum class Endpoint { kAny, kTls, kPlain };

struct Mend {
  std::string_view symptom;
  Endpoint endpoint;
  std::string_view text;
};

constexpr Mend kMends[] = {
    {"certificate verify failed", Endpoint::kTls,
     "nobody whom we trust has signed the server's certificate: mend [remote] ca_file"},
    {"is not in peer certificate", Endpoint::kTls,
     "write a name that the server's certificate has in [remote] endpoint"},
    {"wrong version number", Endpoint::kTls, "no TLS is spoken there: mend the port, or write grpc://"},
    {"http1.x server", Endpoint::kAny, "that is a port for HTTP: mend the port in [remote] endpoint"},
    {"Socket closed", Endpoint::kPlain, "if the server speaks TLS, write grpcs://"},
    {"DNS resolution failed", Endpoint::kAny, "mend the host in [remote] endpoint"},
};

// What gRPC says, without the words that say no more than that it failed.
std::string_view CauseIn(std::string_view message) {
  for (std::string_view words : {"last error: ", "UNKNOWN: ", "UNAVAILABLE: "}) {
    const std::size_t at = message.find(words);
    if (at != std::string_view::npos) message.remove_prefix(at + words.size());
  }
  return message;
}

}  // namespace

std::string ExplainUnreachable(std::string_view message, bool tls) {
  const std::string_view cause = CauseIn(message);
  if (cause.empty()) return {};
  for (const Mend& mend : kMends) {
    if (mend.endpoint == (tls ? Endpoint::kPlain : Endpoint::kTls)) continue;
    if (cause.find(mend.symptom) != std::string_view::npos) return fmt::format(": {} ({})", cause, mend.text);
  }
  return fmt::format(": {}", cause);
}

}  // namespace smelt
