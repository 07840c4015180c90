#include "src/services/bytes_budget.h"

#include <algorithm>
#include <vector>

namespace smelt {

BytesBudget::Hold& BytesBudget::Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  Release();
  budget_ = std::exchange(other.budget_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

void BytesBudget::Hold::Release() {
  BytesBudget* budget = std::exchange(budget_, nullptr);
  if (budget != nullptr) budget->GiveBack(std::exchange(bytes_, 0));
}

void BytesBudget::Hold::ShrinkTo(std::int64_t bytes) {
  if (bytes >= bytes_) return;
  budget_->GiveBack(std::exchange(bytes_, bytes) - bytes);
}

void BytesBudget::Acquire(std::int64_t bytes, Granted granted) {
  bytes = std::min(bytes, limit_);
  {
    const std::lock_guard lock(mu_);
    if (!waiting_.empty() || free_ < bytes) {
      waiting_.push_back({bytes, std::move(granted)});
      return;
    }
    free_ -= bytes;
  }
  granted(Hold(this, bytes));
}

BytesBudget::Hold BytesBudget::TryAcquire(std::int64_t bytes) {
  const std::lock_guard lock(mu_);
  if (!waiting_.empty() || free_ < bytes) return Hold();
  free_ -= bytes;
  return Hold(this, bytes);
}

void BytesBudget::GiveBack(std::int64_t bytes) {
  std::vector<Waiter> served;
  {
    const std::lock_guard lock(mu_);
    free_ += bytes;
    while (!waiting_.empty() && waiting_.front().bytes <= free_) {
      free_ -= waiting_.front().bytes;
      served.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
  }
  for (Waiter& waiter : served) waiter.granted(Hold(this, waiter.bytes));
}

std::int64_t BytesBudget::held_bytes() {
  const std::lock_guard lock(mu_);
  return limit_ - free_;
}

std::int64_t BytesBudget::waiting() {
  const std::lock_guard lock(mu_);
  return static_cast<std::int64_t>(waiting_.size());
}

}  // namespace smelt
