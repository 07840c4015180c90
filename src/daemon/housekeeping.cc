#include "src/daemon/housekeeping.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "glog/logging.h"

namespace smelt {
namespace {

constexpr char kLastTime[] = "housekeeping";
constexpr int kNiceness = 10;

// 0 if it is no time.
std::int64_t TimeIn(const std::string& text) {
  std::int64_t nanos = 0;
  std::from_chars(text.data(), text.data() + text.size(), nanos);
  return std::max<std::int64_t>(nanos, 0);
}

}  // namespace

void PrunePaths(Table& table, FileSystem& files, const ShouldStop& stop) {
  std::vector<std::string> gone;
  table.ForEach([&](std::string_view key, std::string_view) {
    const std::size_t begin = key.find('\n');
    if (begin != key.npos) {
      const std::string path(key.substr(begin + 1, key.find('\n', begin + 1) - begin - 1));
      if (absl::IsNotFound(files.Stat(path).status())) gone.emplace_back(key);
    }
    return !stop();
  });
  if (stop()) return;
  for (const std::string& key : gone) table.Delete(key).IgnoreError();
}

Housekeeping::Housekeeping(Table& table, Clock& clock, std::vector<Chore> chores)
    : table_(table), clock_(clock), chores_(std::move(chores)) {
  const std::int64_t since = clock_.NowNanos() - TimeIn(table_.Get(kLastTime).value_or(""));
  if (since >= 0 && since < kIntervalNanos) {
    done_.Notify();
    return;
  }
  try {
    thread_ = std::thread([this] { Work(); });
  } catch (const std::system_error& error) {
    LOG(WARNING) << "no thread for housekeeping: " << error.what();
    done_.Notify();
  }
}

Housekeeping::~Housekeeping() {
  stopping_.Notify();
  if (thread_.joinable()) thread_.join();
}

void Housekeeping::Wait() { done_.WaitForNotification(); }

void Housekeeping::Work() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness);
  const ShouldStop stop = [this] { return stopping_.HasBeenNotified(); };
  for (const Chore& chore : chores_) {
    if (!stop()) chore(stop);
  }
  if (!stop()) table_.Put(kLastTime, std::to_string(clock_.NowNanos())).IgnoreError();
  done_.Notify();
}

}  // namespace smelt
