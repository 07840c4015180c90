#include "src/daemon/counters.h"

#include <charconv>

namespace smelt {

namespace {

// What is beyond it nobody has counted.
constexpr std::int64_t kBelievedMax = std::int64_t{1} << 60;

}  // namespace

Counters::Counters(Table& table) : table_(table) {
  table_.ForEach([&](std::string_view name, std::string_view value) {
    std::int64_t number = 0;
    std::from_chars(value.data(), value.data() + value.size(), number);
    if (number != 0 && number >= -kBelievedMax && number <= kBelievedMax) values_.emplace(name, number);
    return true;
  });
}

void Counters::Add(std::string_view name, std::int64_t by) {
  if (by == 0) return;
  absl::MutexLock lock(&mu_);
  auto found = values_.find(name);
  if (found == values_.end()) found = values_.emplace(name, 0).first;
  found->second += by;
  changed_ = true;
}

std::map<std::string, std::int64_t, std::less<>> Counters::All() {
  absl::MutexLock lock(&mu_);
  return values_;
}

void Counters::Reset() {
  absl::MutexLock lock(&mu_);
  for (const auto& [name, value] : values_) table_.Delete(name).IgnoreError();
  values_.clear();
  changed_ = false;
}

void Counters::Save() {
  absl::MutexLock lock(&mu_);
  if (!changed_) return;
  for (const auto& [name, value] : values_) table_.Put(name, std::to_string(value)).IgnoreError();
  changed_ = false;
}

}  // namespace smelt
