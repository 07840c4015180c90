#include "src/daemon/state_ahead.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include "glog/logging.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

namespace fs = std::filesystem;

constexpr char kTaken[] = "taken-";  // and a number: a state on its way

bool IsOnItsWay(const fs::path& path) { return path.filename().string().starts_with(kTaken); }

void RemoveTree(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

// What lies directly in a directory; nothing if there is none.
std::vector<fs::path> EntriesOf(const fs::path& directory) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    paths.push_back(entry->path());
  }
  return paths;
}

std::uint64_t BytesIn(const fs::path& directory) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) bytes += entry->file_size(ignored);
  }
  return bytes;
}

// rustc names a session that it has finished s-<time>-<number>-<crate hash>, and one that it has not ...-working; both
// lie in a directory of the crate's.
bool HasFinishedSession(const fs::path& state) {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(state, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    const std::string name = entry->path().filename();
    if (entry.depth() != 1 || !entry->is_directory(ignored) || !name.starts_with("s-")) continue;
    return !name.ends_with("-working");
  }
  return false;
}

bool HasRoom(const fs::path& directory) {
  std::error_code error;
  const fs::space_info space = fs::space(directory, error);
  return error || space.available >= StateAhead::kFreeBytesMin;
}

bool CopyTree(const fs::path& from, const fs::path& to, const std::function<bool()>& go_on) {
  std::error_code error;
  fs::create_directory(to, error);
  for (fs::directory_iterator entry(from, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path target = to / entry->path().filename();
    if (entry->is_directory(error)) {
      if (!CopyTree(entry->path(), target, go_on)) return false;
    } else if (!error) {
      fs::copy_file(entry->path(), target, error);
    }
    if (error || !go_on()) return false;
  }
  return !error;
}

bool IsNewer(const fs::path& one, const fs::path& other) {
  std::error_code error;
  const auto time = fs::last_write_time(one, error);
  if (error) return false;
  const auto other_time = fs::last_write_time(other, error);
  return !error && time > other_time;
}

// `to` has the whole of `from` or stays as it was.
bool MoveTree(const fs::path& from, const fs::path& to, const std::function<bool()>& go_on) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error != std::errc::cross_device_link) return !error;
  const fs::path beside = to.string() + ".smelt";
  RemoveTree(beside);
  error.clear();
  if (CopyTree(from, beside, go_on)) fs::rename(beside, to, error);
  const bool moved = !error && !fs::exists(beside, error);
  RemoveTree(beside);
  return moved;
}

}  // namespace

StateAhead::StateAhead(StateAheadOptions options, Start start, Counters& counters)
    : options_(std::move(options)),
      making_(options_.directory + "/making"),
      state_(making_ + "/state"),
      scratch_(making_ + "/scratch"),
      start_(std::move(start)),
      counters_(counters) {
  if (options_.bytes_max == 0) {
    RemoveTree(options_.directory);
    return;
  }
  RemoveTree(making_);
  for (const fs::path& path : EntriesOf(options_.directory)) {
    if (IsOnItsWay(path)) RemoveTree(path);
  }
  thread_ = std::thread([this] { Run(); });
}

StateAhead::~StateAhead() {
  {
    const std::lock_guard lock(mu_);
    stopping_ = true;
    KillRunning();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

StateAhead::Compile StateAhead::Begin(const std::string& unit, const std::function<bool()>& waiting) {
  std::unique_lock lock(mu_);
  ++compiles_;
  std::erase_if(jobs_, [&](const Job& job) { return job.unit == unit; });
  const auto is_made = [&] { return running_ && running_->unit == unit && !running_->killed; };
  SteadyTime next_call = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  if (running_ && running_->unit == unit) running_->forgotten = true;
  while (is_made() && std::chrono::steady_clock::now() < running_->patience_ends) {
    const SteadyTime wake = std::min(next_call, running_->patience_ends);
    changed_.wait_until(lock, wake);
    if (std::chrono::steady_clock::now() < next_call) continue;
    lock.unlock();
    const bool go_on = waiting();
    lock.lock();
    if (!go_on) break;
    next_call += std::chrono::seconds(1);
  }
  KillRunning();
  return Compile(*this);
}

void StateAhead::Ended() {
  {
    const std::lock_guard lock(mu_);
    --compiles_;
    last_compile_ = std::chrono::steady_clock::now();
  }
  changed_.notify_all();
}

void StateAhead::KillRunning() {
  if (!running_) return;
  running_->killed = true;
  if (running_->process) running_->process->Kill();
}

void StateAhead::Want(Job job) {
  if (options_.bytes_max == 0) return;
  {
    const std::lock_guard lock(mu_);
    std::erase_if(jobs_, [&](const Job& other) { return other.unit == job.unit; });
    if (jobs_.size() == kJobsMax) jobs_.erase(jobs_.begin());
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

void StateAhead::Wait() {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return jobs_.empty() && !running_; });
}

std::optional<StateAhead::Job> StateAhead::Next() {
  std::unique_lock lock(mu_);
  while (!stopping_) {
    const SteadyTime settled = last_compile_ + options_.settle;
    if (jobs_.empty() || compiles_ > 0) {
      changed_.wait(lock);
    } else if (std::chrono::steady_clock::now() < settled) {
      changed_.wait_until(lock, settled);
    } else {
      Job job = std::move(jobs_.back());
      jobs_.pop_back();
      running_ = Running{job.unit, std::chrono::steady_clock::now() + job.duration + kPatience};
      return job;
    }
  }
  return std::nullopt;
}

void StateAhead::Run() {
  {
    const std::lock_guard lock(homes_mu_);
    Trim();
  }
  while (std::optional<Job> job = Next()) {
    const bool ended = Make(*job);
    {
      const std::lock_guard lock(mu_);
      const bool again = !ended && !running_->forgotten && ++job->attempts < kAttemptsMax;
      running_.reset();
      if (again) jobs_.push_back(*std::move(job));
    }
    changed_.notify_all();
  }
}

bool StateAhead::Make(const Job& job) {
  RemoveTree(making_);
  const bool ended = RunToItsEnd(job);
  // A program is not linked, so the compiler's exit code does not tell.
  if (ended && HasFinishedSession(state_)) Keep(job);
  RemoveTree(making_);
  return ended;
}

void StateAhead::Keep(const Job& job) {
  const std::lock_guard lock(homes_mu_);
  RemoveTree(HomeOf(job.unit));
  std::error_code error;
  fs::rename(state_, HomeOf(job.unit), error);
  Trim();
  if (!error) counters_.Add("states_made");
}

bool StateAhead::RunToItsEnd(const Job& job) {
  std::error_code error;
  if (!fs::is_directory(job.command.covered, error)) return true;  // removed since
  fs::create_directories(state_, error);
  if (!error) fs::create_directory(scratch_, error);
  if (error || !HasRoom(state_)) return true;
  auto process = start_(job.command);
  if (!process.ok()) {
    LOG_FIRST_N(WARNING, 1) << "no incremental state is made ahead: " << process.status();
    return true;
  }
  {
    const std::lock_guard lock(mu_);
    running_->process = process->get();
    if (running_->killed) (*process)->Kill();
  }
  (*process)->Wait();
  const std::lock_guard lock(mu_);
  running_->process = nullptr;
  return !running_->killed;
}

void StateAhead::Take(const std::string& unit, const std::string& incremental, const std::function<bool()>& waiting) {
  std::string taken;
  std::error_code error;
  {
    const std::lock_guard lock(homes_mu_);
    taken = options_.directory + "/" + kTaken + std::to_string(takes_++);
    fs::rename(HomeOf(unit), taken, error);
  }
  if (error) return;
  bool any = false;
  fs::create_directories(incremental, error);
  for (const fs::path& from : EntriesOf(taken)) {
    const fs::path to = incremental / from.filename();
    if (IsNewer(to, from)) continue;
    RemoveTree(to);
    any |= MoveTree(from, to, waiting);
  }
  RemoveTree(taken);
  if (any) counters_.Add("states_taken");
}

// The oldest go until all are within the limit.
void StateAhead::Trim() {
  std::multimap<fs::file_time_type, fs::path> homes;
  for (const fs::path& path : EntriesOf(options_.directory)) {
    std::error_code ignored;
    if (!IsOnItsWay(path)) homes.emplace(fs::last_write_time(path, ignored), path);
  }
  std::uint64_t bytes = 0;
  for (auto home = homes.rbegin(); home != homes.rend(); ++home) {
    bytes += BytesIn(home->second);
    if (bytes > options_.bytes_max) RemoveTree(home->second);
  }
}

std::string StateAhead::HomeOf(const std::string& unit) const {
  return options_.directory + "/" + DigestOf(unit).Hex();
}

}  // namespace smelt
