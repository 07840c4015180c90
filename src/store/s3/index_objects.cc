#include "src/store/s3/index_objects.h"

#include <string_view>
#include <utility>

#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr int kReadsMax = 4;
constexpr std::size_t kSmallBytesMax = 5 << 20;  // what a collection merges into one has 4 MB

}  // namespace

absl::StatusOr<std::vector<std::string>> IndexObjects::Keys(const std::string& after) {
  ASSIGN_OR_RETURN(const std::vector<ObjectStore::Listed> listed, objects_.List(std::string(kIndexPrefix), after));
  std::vector<std::string> keys;
  for (const ObjectStore::Listed& object : listed) keys.push_back(object.key);
  return keys;
}

absl::Status IndexObjects::Load(const std::string& key, const IndexSink& sink) {
  absl::Status damage;
  for (int i = 0; i < kReadsMax; ++i) {
    absl::Status read = Read(key, sink);
    if (!absl::IsDataLoss(read)) return read;
    ++damaged_;
    damage = std::move(read);
  }
  log_.Damaged(key, std::string(damage.message()), "what no other index names is missing; it is read again each hour");
  return damage;
}

// Of those that are large there is one in memory, and one is taken apart at a time: little may become much.
absl::Status IndexObjects::Read(const std::string& key, const IndexSink& sink) {
  std::unique_lock turn(large_mu_, std::defer_lock);
  std::string text;
  const auto add = [&](std::string_view piece) -> absl::Status {
    if (text.size() + piece.size() > kIndexBytesMax) return absl::DataLossError("an index that is too large");
    if (text.size() + piece.size() > kSmallBytesMax && !turn.owns_lock()) turn.lock();
    text += piece;
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(objects_.Read(key, {.begin = [&] { text.clear(); }, .add = add}));
  if (!turn.owns_lock()) turn.lock();
  return ReadIndex(text, sink);
}

}  // namespace smelt
