#ifndef SMELT_TESTING_MEMORY_TABLE_H_
#define SMELT_TESTING_MEMORY_TABLE_H_

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/table.h"

namespace smelt {

// A Table in memory. Thread-safe; `visit` may change the table, and sees it as it was when ForEach was called.
class MemoryTable : public Table {
 public:
  std::optional<std::string> Get(std::string_view key) override {
    std::lock_guard lock(mu_);
    auto found = entries_.find(key);
    return found == entries_.end() ? std::nullopt : std::optional(found->second);
  }

  absl::Status Put(std::string_view key, std::string_view value) override {
    std::lock_guard lock(mu_);
    entries_.insert_or_assign(std::string(key), std::string(value));
    return absl::OkStatus();
  }

  absl::Status Delete(std::string_view key) override {
    std::lock_guard lock(mu_);
    entries_.erase(std::string(key));
    return absl::OkStatus();
  }

  void ForEach(const std::function<bool(std::string_view key, std::string_view value)>& visit) override {
    for (const auto& [key, value] : Entries()) {
      if (!visit(key, value)) return;
    }
  }

  std::map<std::string, std::string, std::less<>> Entries() {
    std::lock_guard lock(mu_);
    return entries_;
  }

 private:
  std::mutex mu_;
  std::map<std::string, std::string, std::less<>> entries_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_TESTING_MEMORY_TABLE_H_
