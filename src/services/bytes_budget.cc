#include "src/services/bytes_budget.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace smelt {

BytesBudget::Hold& BytesBudget::Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  Release();
  budget_ = std::exchange(other.budget_, nullptr);
  account_ = std::exchange(other.account_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

void BytesBudget::Hold::ShrinkTo(std::int64_t bytes) {
  if (bytes < bytes_) budget_->GiveBack(account_, std::exchange(bytes_, bytes) - bytes);
}

void BytesBudget::Acquire(std::string_view connection, std::int64_t bytes, Granted granted) {
  bytes = std::min(bytes, limit_);
  if (bytes <= 0) return granted(Hold());
  Account* account = nullptr;
  {
    const std::lock_guard lock(mu_);
    account = &AccountOf(connection);
    const bool is_next = queue_.empty() || account->held < queue_.begin()->held;
    if (!is_next || !account->waiting.empty() || !Fits(*account, bytes))
      return Enqueue(*account, {bytes, ++turns_, std::move(granted)});
    free_ -= bytes;
    account->held += bytes;
  }
  granted(Hold(this, account, bytes));
}

BytesBudget::Hold BytesBudget::TryAcquire(std::int64_t bytes) {
  const std::lock_guard lock(mu_);
  if (!queue_.empty() || free_ < bytes || dispensable_ + bytes > limit_ / 2) return Hold();
  free_ -= bytes;
  dispensable_ += bytes;
  return Hold(this, nullptr, bytes);
}

void BytesBudget::GiveBack(Account* account, std::int64_t bytes) {
  std::vector<Granting> served;
  {
    const std::lock_guard lock(mu_);
    free_ += bytes;
    if (account == nullptr) {
      dispensable_ -= bytes;
    } else {
      Change(*account, [bytes](Account& one) { one.held -= bytes; });
    }
    while (!queue_.empty()) {
      Account& next = *queue_.begin()->account;
      if (!Fits(next, next.waiting.front().bytes)) break;
      served.push_back(TakeFirst(next));
    }
  }
  Grant(std::move(served));
}

// A waiter may give back at once, which serves others: after it and not within it, or thousands would take the stack.
void BytesBudget::Grant(std::vector<Granting> served) {
  static thread_local std::deque<Granting>* granting = nullptr;
  if (granting != nullptr) {
    std::move(served.begin(), served.end(), std::back_inserter(*granting));
    return;
  }
  std::deque<Granting> left(std::make_move_iterator(served.begin()), std::make_move_iterator(served.end()));
  granting = &left;
  for (; !left.empty(); left.pop_front()) {
    auto& [hold, granted] = left.front();
    granted(std::move(hold));
  }
  granting = nullptr;
}

bool BytesBudget::Fits(const Account& account, std::int64_t bytes) const {
  const bool holds_little = account.held <= limit_ / 32;
  return bytes <= (holds_little ? free_ : free_ - limit_ / 4);
}

BytesBudget::Account& BytesBudget::AccountOf(std::string_view connection) {
  const auto found = accounts_.find(connection);
  if (found != accounts_.end()) return found->second;
  const auto made = accounts_.try_emplace(std::string(connection)).first;
  made->second.connection = made->first;
  return made->second;
}

void BytesBudget::Enqueue(Account& account, Waiter waiter) {
  ++waiting_;
  Change(account, [&waiter](Account& one) { one.waiting.push_back(std::move(waiter)); });
}

BytesBudget::Granting BytesBudget::TakeFirst(Account& account) {
  Waiter& waiter = account.waiting.front();
  Granting first(Hold(this, &account, waiter.bytes), std::move(waiter.granted));
  --waiting_;
  free_ -= waiter.bytes;
  Change(account, [](Account& one) {
    one.held += one.waiting.front().bytes;
    one.waiting.pop_front();
  });
  return first;
}

void BytesBudget::Change(Account& account, const std::function<void(Account&)>& change) {
  if (!account.waiting.empty()) queue_.erase(TurnOf(account));
  change(account);
  if (!account.waiting.empty()) {
    queue_.insert(TurnOf(account));
  } else if (account.held == 0) {
    accounts_.erase(accounts_.find(account.connection));
  }
}

std::int64_t BytesBudget::held_bytes() {
  const std::lock_guard lock(mu_);
  return limit_ - free_;
}

std::int64_t BytesBudget::waiting() {
  const std::lock_guard lock(mu_);
  return waiting_;
}

}  // namespace smelt
