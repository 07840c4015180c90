#include "src/store/remote/connection.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "fmt/format.h"
#include "src/base/processor_frequency.h"
#include "src/base/status_macros.h"
#include "src/reapi/zstd_wishes.h"
#include "src/store/remote/unreachable.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;
using Steady = std::chrono::steady_clock;

constexpr std::int64_t kExplainMillis = 300;
constexpr std::int64_t kBatchBytes = 4'000'000;  // where the server names no limit: gRPC's is 4 MiB

absl::StatusOr<std::string> Pem(const std::string& path, const char* key) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file || text.str().find("-----BEGIN ") == std::string::npos) {
    return absl::InvalidArgumentError(fmt::format("[remote] {}: {} is not a readable PEM file", key, path));
  }
  return text.str();
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsFor(const RemoteOptions& options,
                                                                         const RemoteEndpoint& endpoint) {
  if (!endpoint.tls) {
    const bool token = !options.token.empty() || !options.token_file.empty() || !options.token_command.empty();
    if (token && !endpoint.loopback) {
      return absl::InvalidArgumentError(
          fmt::format("[remote] endpoint {}: the token would travel in the clear; write grpcs://", options.endpoint));
    }
    return grpc::InsecureChannelCredentials();
  }
  if (options.client_cert.empty() != options.client_key.empty()) {
    return absl::InvalidArgumentError("[remote] client_cert and client_key: write both or none");
  }
  grpc::SslCredentialsOptions tls;
  if (!options.ca_file.empty()) {
    ASSIGN_OR_RETURN(tls.pem_root_certs, Pem(options.ca_file, "ca_file"));
  }
  if (!options.client_cert.empty()) {
    ASSIGN_OR_RETURN(tls.pem_cert_chain, Pem(options.client_cert, "client_cert"));
    ASSIGN_OR_RETURN(tls.pem_private_key, Pem(options.client_key, "client_key"));
  }
  return grpc::SslCredentials(tls);
}

bool MayPass(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNKNOWN:
      return true;
    default:
      return false;
  }
}

// The others would fail for the same reason.
bool ConcernsAll(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsUnauthenticated(status);
}

absl::Status ToStatus(const grpc::Status& status, const char* what, const std::string& endpoint) {
  if (status.ok()) return absl::OkStatus();
  std::string message = fmt::format("{} of {}: {}", what, endpoint, status.error_message());
  if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED) message += " (mend [remote] token)";
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), message);
}

void PauseBefore(int attempt) {
  thread_local std::minstd_rand random(std::random_device{}());
  const int longest = 50 << attempt;
  std::this_thread::sleep_for(std::chrono::milliseconds(longest / 2 + static_cast<int>(random() % (longest / 2))));
}

// No server sends more than clients take that are told nothing else. And what is compressed is made as large as it was
// before anybody looks at the limit.
void RefuseLargeMessages(grpc::ChannelArguments& arguments) {
  arguments.SetMaxReceiveMessageSize(GRPC_DEFAULT_MAX_RECV_MESSAGE_LENGTH);
  arguments.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  arguments.SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE);
}

}  // namespace

Connection::Connection(RemoteOptions options, RemoteEndpoint endpoint, Clock& clock)
    : options_(std::move(options)), endpoint_(std::move(endpoint)), token_(options_, clock), breaker_(clock) {}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Make(const RemoteOptions& options, Clock& clock) {
  ASSIGN_OR_RETURN(RemoteEndpoint endpoint, ParseEndpoint(options.endpoint));
  ASSIGN_OR_RETURN(auto credentials, CredentialsFor(options, endpoint));
  std::unique_ptr<Connection> connection(new Connection(options, std::move(endpoint), clock));
  if (!options.token.empty()) RETURN_IF_ERROR(connection->token_.Get().status());
  connection->MakeChannels(credentials);
  return connection;
}

void Connection::MakeChannels(const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(kConnectMillis));  // also of one connect
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  RefuseLargeMessages(arguments);
  arguments.SetUserAgentPrefix("smelt");
  LookUpProcessorFrequency();
  for (int i = 0; i < kChannels; ++i) {
    channels_.push_back(grpc::CreateCustomChannel(endpoint_.address, credentials, arguments));
  }
}

absl::Status Connection::Reach() {
  RETURN_IF_ERROR(breaker_.Check());
  if (reached_) return absl::OkStatus();
  absl::MutexLock lock(&reach_mu_);
  RETURN_IF_ERROR(breaker_.Check());
  if (reached_) return absl::OkStatus();
  absl::Status status = Connect();
  if (status.ok()) status = AskAbilities();
  if (!status.ok()) {
    breaker_.Failed(status);
    return status;
  }
  breaker_.Succeeded();
  reached_ = true;
  return absl::OkStatus();
}

absl::Status Connection::Connect() {
  for (const auto& channel : channels_) channel->GetState(true);
  const auto deadline = std::chrono::system_clock::now() + std::chrono::milliseconds(kConnectMillis);
  grpc::Channel& first = *channels_.front();
  for (grpc_connectivity_state state = first.GetState(true); state != GRPC_CHANNEL_READY;
       state = first.GetState(true)) {
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || !first.WaitForStateChange(state, deadline)) {
      return absl::UnavailableError(fmt::format("{} cannot be reached{}", options_.endpoint, WhyNot()));
    }
  }
  return absl::OkStatus();
}

// A call without credentials over what has failed to connect ends at once, and says why.
std::string Connection::WhyNot() {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(kExplainMillis));
  v2::ServerCapabilities answer;
  const grpc::Status status = v2::Capabilities::NewStub(channels_.front())->GetCapabilities(&context, {}, &answer);
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return {};
  return ExplainUnreachable(status.error_message(), endpoint_.tls);
}

absl::Status Connection::AskAbilities() {
  v2::GetCapabilitiesRequest request;
  request.set_instance_name(options_.instance);
  v2::ServerCapabilities answer;
  RETURN_IF_ERROR(Try("GetCapabilities", 0, [&](grpc::ClientContext& context, const auto& channel) {
    const grpc::Status status = v2::Capabilities::NewStub(channel)->GetCapabilities(&context, request, &answer);
    if (status.ok()) abilities_.zstd_wishes = context.GetServerInitialMetadata().contains(reapi::ZstdWishes::kHeader);
    return status;
  }));
  const v2::CacheCapabilities& cache = answer.cache_capabilities();
  const auto& digests = cache.digest_functions();
  if (std::find(digests.begin(), digests.end(), v2::DigestFunction::SHA256) == digests.end()) {
    return absl::FailedPreconditionError(fmt::format("{} does not serve SHA256 digests", options_.endpoint));
  }
  auto offers_zstd = [](const auto& list) {
    return std::find(list.begin(), list.end(), v2::Compressor::ZSTD) != list.end();
  };
  abilities_.batch_bytes_max =
      cache.max_batch_total_size_bytes() > 0 ? std::min(cache.max_batch_total_size_bytes(), kBatchBytes) : kBatchBytes;
  abilities_.zstd_streams = offers_zstd(cache.supported_compressors());
  abilities_.zstd_batches = offers_zstd(cache.supported_batch_update_compressors());
  abilities_.action_updates = cache.action_cache_update_capabilities().update_enabled();
  return absl::OkStatus();
}

bool Connection::StreamsZstd() const {
  const bool may = options_.compression == RemoteOptions::Compression::kAuto && abilities_.zstd_wishes;
  return abilities_.zstd_streams && (may || Compresses());
}

bool Connection::Compresses() const {
  if (options_.compression != RemoteOptions::Compression::kAuto) {
    return options_.compression == RemoteOptions::Compression::kZstd;
  }
  return quickest_ns_ > kLocalLinkNanos;
}

void Connection::NoteRoundTrip(std::int64_t nanos) {
  std::int64_t known = quickest_ns_;
  while (nanos < known && !quickest_ns_.compare_exchange_weak(known, nanos)) {
  }
}

absl::Status Connection::Try(const char* what, std::int64_t bytes, const Attempt& attempt) {
  for (int attempts = 1;; ++attempts) {
    grpc::ClientContext context;
    const std::int64_t millis = 1000 * options_.timeout_seconds + 1000 * bytes / kSlowestBytesPerSecond;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(millis));
    const absl::StatusOr<std::string> token = token_.Get();
    if (!token.ok()) return absl::UnauthenticatedError(std::string(token.status().message()));
    if (!token->empty()) context.AddMetadata("authorization", "Bearer " + *token);
    ++requests_;
    const auto start = Steady::now();
    const grpc::Status status = attempt(context, channels_[next_channel_++ % channels_.size()]);
    if (status.ok() || status.error_code() == grpc::StatusCode::NOT_FOUND) {
      if (bytes == 0) NoteRoundTrip(std::chrono::nanoseconds(Steady::now() - start).count());
      return ToStatus(status, what, options_.endpoint);
    }
    ++failures_;
    if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED) token_.Forget();
    if (!MayPass(status) || attempts == kAttemptsMax) return ToStatus(status, what, options_.endpoint);
    PauseBefore(attempts);
  }
}

absl::Status Connection::Call(const char* what, std::int64_t bytes, const Attempt& attempt) {
  RETURN_IF_ERROR(Reach());
  const absl::Status status = Try(what, bytes, attempt);
  if (ConcernsAll(status)) {
    breaker_.Failed(status);
    reached_ = false;
  } else {
    breaker_.Succeeded();
  }
  return status;
}

SharedCacheState Connection::State() {
  SharedCacheState state;
  state.where = options_.endpoint + (options_.instance.empty() ? "" : ", instance " + options_.instance);
  state.problem = breaker_.Problem();
  state.link = !state.problem.empty() ? SharedCacheState::Link::kDown
               : reached_             ? SharedCacheState::Link::kUp
                                      : SharedCacheState::Link::kUntried;
  state.writable = !reached_ || abilities_.action_updates;
  state.bytes_up = bytes_up_;
  state.bytes_down = bytes_down_;
  state.requests = requests_;
  state.failures = failures_;
  return state;
}

}  // namespace smelt
