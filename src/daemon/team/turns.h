#ifndef SMELT_DAEMON_TEAM_TURNS_H_
#define SMELT_DAEMON_TEAM_TURNS_H_

#include <cstdint>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "src/digest/digest.h"

namespace smelt {

// Room for transfers that nobody waits for yet. Of those that wait for room, that of the lowest place goes first: what
// comes of several parts, some of which are known only when others are there, is not overtaken by all that was begun
// meanwhile. Thread-safe.
class Turns {
 public:
  using Place = std::uint64_t;

  // A transfer that is under way, until this goes.
  class Turn {
   public:
    Turn(Turns* turns, std::int64_t bytes) : turns_(turns), bytes_(bytes) {}
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)), bytes_(other.bytes_) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_) turns_->Leave(bytes_);
    }

   private:
    Turns* turns_;
    const std::int64_t bytes_;
  };

  // While `bytes_max` are under way nobody enters.
  explicit Turns(std::int64_t bytes_max) : bytes_max_(bytes_max) {}

  // The place of whatever `what` names: the one that it has, or one behind all that there were. Once somebody has come
  // who needs it `at_once`, its transfers need no room. It keeps its place until as many have left as came.
  Place Begin(const Digest& what, bool at_once);
  void End(const Digest& what);

  // Waits until a transfer of so many bytes may begin. The place is of something that has begun.
  Turn Enter(Place place, std::int64_t bytes);

  std::size_t waiting() const {
    absl::MutexLock lock(&mu_);
    return waiting_.size();
  }

 private:
  struct Placed {
    Place place = 0;
    int users = 0;
  };

  bool MayEnter(Place place) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Leave(std::int64_t bytes);

  const std::int64_t bytes_max_;
  mutable absl::Mutex mu_;
  Place next_ ABSL_GUARDED_BY(mu_) = 0;
  std::int64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;  // under way
  absl::flat_hash_map<Digest, Placed> places_ ABSL_GUARDED_BY(mu_);
  std::multiset<Place> waiting_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<Place> at_once_ ABSL_GUARDED_BY(mu_);
};

}  // namespace smelt

#endif  // SMELT_DAEMON_TEAM_TURNS_H_
