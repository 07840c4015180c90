#ifndef SMELT_METRICS_ACTIVITY_H_
#define SMELT_METRICS_ACTIVITY_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "src/metrics/call_observer.h"
#include "src/metrics/metrics.h"

namespace smelt {

// What a server has been asked since it was started: calls by method and code and how long they took; lookups of action
// results by day and by target; who calls. Bounded: the last 30 days, 1,000 targets and 1,000 machines, of which those
// not seen for longest make room. Thread-safe. `clock` lives longer than this.
class Activity : public CallObserver {
 public:
  struct Lookups {
    std::int64_t hits = 0, misses = 0, errors = 0;
  };
  struct Day {
    std::string date;  // "2026-11-22", UTC
    Lookups lookups;
  };
  struct Target {
    std::string name;
    Lookups lookups;
  };
  struct Client {
    std::string peer, tool;
    std::int64_t calls = 0;
    std::int64_t idle_seconds = 0;
  };

  explicit Activity(Clock& clock) : clock_(clock), started_ns_(clock.NowNanos()) {}

  void Started() override;
  void Finished(const FinishedCall& call) override;

  // The metrics of calls, lookups and clients, and the uptime.
  void Collect(std::vector<Sample>& samples);

  std::vector<Day> Days();                       // oldest first
  std::vector<Target> Targets(std::size_t max);  // those looked up most, first
  std::vector<Client> Clients();                 // of the last five minutes, the latest first

 private:
  static constexpr std::array<double, 10> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10, 60};
  struct Method {
    std::map<std::string, std::int64_t> calls;  // by code
    std::array<std::int64_t, kBounds.size()> counts{};
    std::int64_t count = 0;
    double sum = 0;
  };
  struct Seen {
    std::string tool;
    std::int64_t calls = 0, last_ns = 0;
  };
  struct Looked {
    Lookups lookups;
    std::int64_t last_ns = 0;
  };

  void CountLookup(const FinishedCall& call, std::int64_t now_ns);              // needs mu_
  void CollectDurations(std::vector<Sample>& samples);                          // needs mu_
  std::vector<Client> ClientsSince(std::int64_t now_ns, std::int64_t seconds);  // needs mu_

  Clock& clock_;
  const std::int64_t started_ns_;
  std::mutex mu_;  // guards what follows
  std::int64_t active_ = 0;
  Lookups lookups_;
  std::map<std::string, Method, std::less<>> methods_;
  std::map<std::int64_t, Lookups> days_;  // by days since 1970
  std::map<std::string, Looked> targets_;
  std::map<std::string, Seen> clients_;
};

}  // namespace smelt

#endif  // SMELT_METRICS_ACTIVITY_H_
