#ifndef SMELT_DAEMON_JOB_TOKENS_H_
#define SMELT_DAEMON_JOB_TOKENS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "src/base/unique_fd.h"

namespace smelt {

// Lends the token of a wrapper that waits for the network. Cargo starts as many compiles at once as it has tokens
// (`-j`), and what build scripts compile takes the ones that are left over, from a pipe that all of them have: GNU
// make's jobserver. A wrapper that waits needs no processor, so its token goes into the pipe meanwhile, and is taken
// out again before the wrapper goes on.
//
// If there is none to take in that moment, the wrapper goes on and a token is owed, which is taken as soon as there is
// one: kOwedMax at most, so that never more than `-j` and kOwedMax processes work at once. docs/adr/0021-*.md has the
// reasons. Thread-safe.
class JobTokens {
 public:
  static constexpr int kOwedMax = 2;

  // Of one cargo; each is a process of its own and a thread of ours.
  static constexpr int kLentMax = 128;

  // Who owes no less waits so long at most: a process that was killed may have taken a token with it.
  static constexpr std::int64_t kAwaitMsMax = 10'000;

  JobTokens();
  ~JobTokens();  // what is owed then stays owed

 private:
  using PipeId = std::pair<dev_t, ino_t>;

 public:
  // A token that is lent, until this goes.
  class Lent {
   public:
    Lent() = default;
    Lent(JobTokens* tokens, PipeId pipe) : tokens_(tokens), pipe_(pipe) {}
    Lent(Lent&& other) noexcept : tokens_(std::exchange(other.tokens_, nullptr)), pipe_(other.pipe_) {}
    Lent& operator=(Lent&&) = delete;
    ~Lent() {
      if (tokens_) tokens_->TakeBack(pipe_);
    }

   private:
    JobTokens* tokens_ = nullptr;
    PipeId pipe_;
  };

  // Lends the token of process `pid`, whose environment has this CARGO_MAKEFLAGS. Nothing is lent, and all is well,
  // where that names no jobserver or its pipe cannot be had.
  Lent Lend(pid_t pid, const std::string& cargo_makeflags);

  // Tokens that somebody went on without.
  int owed() const;

 private:
  struct Pipe {
    UniqueFd read, write;  // non-blocking; cargo's own descriptors stay as they are
    int lent = 0, owed = 0;
  };

  static bool TakeOne(const Pipe& pipe);
  void TakeBack(PipeId id);
  void ForgetIfIdle(PipeId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Wake();
  void Run();

  mutable absl::Mutex mu_;
  std::map<PipeId, Pipe> pipes_ ABSL_GUARDED_BY(mu_);  // where a token is lent or owed
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  UniqueFd wake_;  // an eventfd
  std::thread thread_;
};

// The descriptors of a jobserver, as in "-j --jobserver-fds=8,9 --jobserver-auth=8,9"; nullopt if there are none, or it
// is a named one ("fifo:").
std::optional<std::pair<int, int>> JobServerIn(const std::string& cargo_makeflags);

}  // namespace smelt

#endif  // SMELT_DAEMON_JOB_TOKENS_H_
