#include "src/services/stream_watch.h"

#include <algorithm>
#include <vector>

#include "grpcpp/server_context.h"

namespace smelt {
namespace {

constexpr std::int64_t kIdleSecondsWhenShort = 5;

}  // namespace

StreamWatch::Stream::Stream(StreamWatch& watch, grpc::ServerContextBase& context) : watch_(watch), context_(context) {
  Moved();
  const std::lock_guard lock(watch_.mu_);
  watch_.streams_.insert(this);
}

StreamWatch::Stream::~Stream() {
  const std::lock_guard lock(watch_.mu_);
  watch_.streams_.erase(this);
}

void StreamWatch::Tick(std::int64_t seconds) {
  const std::int64_t now = now_ += seconds;
  const std::int64_t patience = budget_.waiting() > 0 ? std::min(kIdleSecondsWhenShort, idle_seconds_) : idle_seconds_;
  const std::lock_guard lock(mu_);
  std::vector<Stream*> idle;
  for (Stream* stream : streams_) {
    const std::int64_t since = stream->since_.load(std::memory_order_relaxed);
    if (since != Stream::kBusy && now - since > patience) idle.push_back(stream);
  }
  for (Stream* stream : idle) {
    if (streams_.contains(stream)) stream->context_.TryCancel();
  }
}

std::size_t StreamWatch::streams() {
  const std::lock_guard lock(mu_);
  return streams_.size();
}

}  // namespace smelt
