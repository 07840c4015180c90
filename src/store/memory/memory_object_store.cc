#include "src/store/memory/memory_object_store.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr std::size_t kPieceBytes = 64 << 10;  // that a reader gets

}  // namespace

absl::Status MemoryObjectStore::Enter(const std::string& operation, const std::string& key) {
  Fault fault;
  {
    const std::lock_guard lock(mu_);
    ++counts_[operation];
    fault = fault_;
  }
  return fault ? fault(operation, key) : absl::OkStatus();
}

absl::Status MemoryObjectStore::Put(const std::string& key, const Bytes& bytes) {
  RETURN_IF_ERROR(Enter("put", key));
  ASSIGN_OR_RETURN(std::string contents, bytes.ReadAll());
  const std::lock_guard lock(mu_);
  objects_[key] = {std::move(contents), clock_.NowNanos() / 1'000'000'000};
  return absl::OkStatus();
}

absl::StatusOr<Bytes> MemoryObjectStore::Get(const std::string& key, std::int64_t offset, std::int64_t length) {
  RETURN_IF_ERROR(Enter("get", key));
  const std::lock_guard lock(mu_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return absl::NotFoundError("no object " + key);
  const std::string& contents = found->second.contents;
  if (offset >= static_cast<std::int64_t>(contents.size())) return Bytes();
  const std::size_t count = length < 0 ? std::string::npos : static_cast<std::size_t>(length);
  return Bytes(contents.substr(static_cast<std::size_t>(offset), count));
}

absl::Status MemoryObjectStore::Read(const std::string& key, const BodySink& sink) {
  ASSIGN_OR_RETURN(const Bytes bytes, Get(key, 0, -1));
  ASSIGN_OR_RETURN(const std::string contents, bytes.ReadAll());
  for (const std::size_t size : {contents.size() / 2, contents.size()}) {
    sink.begin();
    for (std::size_t at = 0; at < size; at += kPieceBytes) {
      const std::string_view piece = std::string_view(contents).substr(at, std::min(kPieceBytes, size - at));
      RETURN_IF_ERROR(sink.add(piece));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ObjectStore::Listed>> MemoryObjectStore::List(const std::string& prefix,
                                                                         const std::string& after) {
  RETURN_IF_ERROR(Enter("list", prefix));
  const std::lock_guard lock(mu_);
  std::vector<Listed> listed;
  for (const auto& [key, object] : objects_) {
    if (!key.starts_with(prefix) || key <= after) continue;
    listed.push_back({key, static_cast<std::int64_t>(object.contents.size()), object.modified_seconds});
  }
  return listed;
}

absl::Status MemoryObjectStore::Delete(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    RETURN_IF_ERROR(Enter("delete", key));
    const std::lock_guard lock(mu_);
    objects_.erase(key);
  }
  return absl::OkStatus();
}

void MemoryObjectStore::SetFault(Fault fault) {
  const std::lock_guard lock(mu_);
  fault_ = std::move(fault);
}

std::vector<std::string> MemoryObjectStore::Keys(const std::string& prefix) {
  const std::lock_guard lock(mu_);
  std::vector<std::string> keys;
  for (const auto& [key, object] : objects_) {
    if (key.starts_with(prefix)) keys.push_back(key);
  }
  return keys;
}

void MemoryObjectStore::Change(const std::string& key, const std::function<void(std::string&)>& change) {
  const std::lock_guard lock(mu_);
  change(objects_[key].contents);
}

int MemoryObjectStore::Count(const std::string& operation) {
  const std::lock_guard lock(mu_);
  return counts_[operation];
}

}  // namespace smelt
