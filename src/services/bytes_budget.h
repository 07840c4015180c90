#ifndef SMELT_SERVICES_BYTES_BUDGET_H_
#define SMELT_SERVICES_BYTES_BUDGET_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smelt {

// The cap on bytes that all calls together hold in memory: whoever wants to hold some takes them from here first, and
// waits in a queue, without a thread, when there are none left. Each connection has its queue, and the one that holds
// least comes next. A fourth is for connections that hold less than a 32nd: thousands of readers that never read, over
// a few connections, do not keep others waiting. Never take again while holding: two that each hold half and wait for
// the other half wait for ever. Thread-safe; outlives every Hold.
class BytesBudget {
  struct Account;

 public:
  // So many bytes of the budget; gives them back when it goes.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)),
          account_(std::exchange(other.account_, nullptr)),
          bytes_(std::exchange(other.bytes_, 0)) {}
    Hold& operator=(Hold&& other) noexcept;
    ~Hold() { Release(); }

    std::int64_t bytes() const { return bytes_; }
    void Release() { ShrinkTo(0); }

    // Gives back all but `bytes`.
    void ShrinkTo(std::int64_t bytes);

   private:
    friend class BytesBudget;
    Hold(BytesBudget* budget, Account* account, std::int64_t bytes)
        : budget_(budget), account_(account), bytes_(bytes) {}

    BytesBudget* budget_ = nullptr;
    Account* account_ = nullptr;
    std::int64_t bytes_ = 0;
  };
  using Granted = std::function<void(Hold)>;

  explicit BytesBudget(std::int64_t limit_bytes) : limit_(limit_bytes), free_(limit_bytes) {}

  // Calls `granted` with `bytes` (at most the whole budget): at once on this thread if they are free and nobody waits,
  // else on the thread that gives bytes back, when it is this connection's turn: that of the one which holds least, and
  // of those that hold the same, which has waited longest. `connection` is any name of it, gRPC's peer() for example.
  // One connection's own calls are served in the order of asking, and nobody overtakes whose turn it is.
  void Acquire(std::string_view connection, std::int64_t bytes, Granted granted);

  // `bytes` if they are free now, nobody waits for them, and all that was given so is not more than half; else an empty
  // hold (bytes() == 0). For what can do without: it counts for no connection.
  Hold TryAcquire(std::int64_t bytes);

  std::int64_t limit_bytes() const { return limit_; }
  std::int64_t held_bytes();
  std::int64_t waiting();  // callers in the queue

 private:
  struct Waiter {
    std::int64_t bytes;
    std::int64_t turn;  // counts up with each that asks
    Granted granted;
  };
  struct Account {
    std::string_view connection;  // the key of this account
    std::int64_t held = 0;
    std::deque<Waiter> waiting;
  };
  using Granting = std::pair<Hold, Granted>;
  struct Turn {
    std::int64_t held;
    std::int64_t turn;
    Account* account;
    auto operator<=>(const Turn&) const = default;
  };

  bool Fits(const Account& account, std::int64_t bytes) const;  // with mu_ held
  static Turn TurnOf(Account& account) { return {account.held, account.waiting.front().turn, &account}; }

  void GiveBack(Account* account, std::int64_t bytes);
  static void Grant(std::vector<Granting> served);

  // With mu_ held.
  Account& AccountOf(std::string_view connection);
  void Enqueue(Account& account, Waiter waiter);
  Granting TakeFirst(Account& account);

  // Whatever an account holds or waits for changes here, since its place in the queue changes with it. One that neither
  // holds nor waits is gone afterwards. With mu_ held.
  void Change(Account& account, const std::function<void(Account&)>& change);

  const std::int64_t limit_;
  std::mutex mu_;
  std::int64_t free_;                                     // guarded by mu_
  std::int64_t dispensable_ = 0;                          // what TryAcquire gave; guarded by mu_
  std::int64_t turns_ = 0;                                // guarded by mu_
  std::int64_t waiting_ = 0;                              // guarded by mu_
  std::map<std::string, Account, std::less<>> accounts_;  // that hold something or wait; guarded by mu_
  std::set<Turn> queue_;                                  // of those that wait, the next one first; guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_SERVICES_BYTES_BUDGET_H_
