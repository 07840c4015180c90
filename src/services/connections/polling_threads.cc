#include "src/services/connections/polling_threads.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "glog/logging.h"
#include "grpc/support/cpu.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/channel_arguments.h"

namespace smelt {
namespace {

constexpr std::chrono::seconds kPatience(5);

int Processors() { return static_cast<int>(gpr_cpu_num_cores()); }

int ThreadsOfGrpc() { return std::clamp(Processors() / 2, 2, 16); }

// A call that fails at once, without a connection: its end is an event for one of gRPC's threads.
struct Event {
  grpc::ClientContext context;
  grpc::Slice nothing{"", 0};
  grpc::ByteBuffer request{&nothing, 1}, response;
};

}  // namespace

class FewPollingThreads::Parking {
 public:
  Parking() : stub_(grpc::CreateCustomChannel("", nullptr, grpc::ChannelArguments())) {}

  ~Parking() { Release(); }

  // Has one of gRPC's threads wait. False if none comes.
  bool Park() {
    return Run([this](std::unique_lock<std::mutex>& lock) {
      ++parked_;
      changed_.wait(lock, [this] { return released_; });
    });
  }

  // True if gRPC has a thread left.
  bool OneIsLeft() {
    return Run([](std::unique_lock<std::mutex>&) {});
  }

  int parked() {
    const std::lock_guard lock(mu_);
    return released_ ? 0 : parked_;
  }

  // Returns when none of gRPC's threads is here.
  void Release() {
    std::unique_lock lock(mu_);
    released_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return ended_ == events_.size(); });
  }

 private:
  // Has `run` called on one of gRPC's threads. True once it has begun, false if it takes too long.
  bool Run(std::function<void(std::unique_lock<std::mutex>&)> run) {
    std::unique_lock lock(mu_);
    Event& event = events_.emplace_back();
    const std::size_t number = events_.size();
    lock.unlock();
    stub_.UnaryCall(&event.context, "/smelt/Park", grpc::StubOptions(), &event.request, &event.response,
                    [this, run = std::move(run)](const grpc::Status&) {
                      std::unique_lock held(mu_);
                      ++begun_;
                      changed_.notify_all();
                      run(held);
                      ++ended_;
                      changed_.notify_all();
                    });
    lock.lock();
    return changed_.wait_for(lock, kPatience, [&] { return begun_ == number; });
  }

  grpc::GenericStub stub_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::deque<Event> events_;           // guarded by mu_; their addresses stay
  std::size_t begun_ = 0, ended_ = 0;  // guarded by mu_
  int parked_ = 0;                     // guarded by mu_
  bool released_ = false;              // guarded by mu_
};

int FewPollingThreads::Enough() { return std::max(1, Processors() / 4); }

FewPollingThreads::FewPollingThreads(int polling) : parking_(std::make_unique<Parking>()) {
  bool all_well = true;
  for (int i = std::max(1, polling); all_well && i < ThreadsOfGrpc(); ++i) all_well = parking_->Park();
  if (all_well && parking_->OneIsLeft()) return;
  LOG(WARNING) << "gRPC has fewer threads than expected: it keeps them all";
  parking_->Release();
}

FewPollingThreads::~FewPollingThreads() = default;

int FewPollingThreads::waiting() const { return parking_->parked(); }

int FewPollingThreads::polling() const { return ThreadsOfGrpc() - waiting(); }

}  // namespace smelt
