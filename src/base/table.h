#ifndef SMELT_BASE_TABLE_H_
#define SMELT_BASE_TABLE_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace smelt {

// A small table of the daemon's own bookkeeping (digests of files, toolchains, counters): not shared, rebuilt if lost.
// Thread-safe.
class Table {
 public:
  virtual ~Table() = default;
  virtual std::optional<std::string> Get(std::string_view key) = 0;
  virtual absl::Status Put(std::string_view key, std::string_view value) = 0;
  virtual absl::Status Delete(std::string_view key) = 0;
  // In key order, until `visit` returns false.
  virtual void ForEach(const std::function<bool(std::string_view key, std::string_view value)>& visit) = 0;
};

}  // namespace smelt

#endif  // SMELT_BASE_TABLE_H_
