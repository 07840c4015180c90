#include "src/base/each_second.h"

#include <chrono>
#include <utility>

namespace smelt {

EachSecond::EachSecond(std::function<void()> call) : call_(std::move(call)), thread_([this] { Run(); }) {}

EachSecond::~EachSecond() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void EachSecond::Run() {
  std::unique_lock lock(mu_);
  while (!wake_.wait_for(lock, std::chrono::seconds(1), [this] { return ending_; })) {
    lock.unlock();
    call_();
    lock.lock();
  }
}

}  // namespace smelt
