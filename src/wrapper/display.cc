#include "src/wrapper/display.h"

namespace smelt::wrapper {
namespace {

const std::pair<std::string, std::string>* FindPair(std::string_view rest, const Display& display) {
  for (const auto& pair : display) {
    std::size_t size = pair.first.size();
    if (size == 0 || rest.substr(0, size) != pair.first) continue;
    if (pair.second.empty() || rest.substr(size).starts_with('/')) return &pair;
  }
  return nullptr;
}

}  // namespace

std::string WithDisplay(std::string_view line, const Display& display) {
  std::string shown;
  shown.reserve(line.size());
  while (!line.empty()) {
    if (const auto* pair = FindPair(line, display)) {
      shown += pair->second;
      line.remove_prefix(pair->first.size());
    } else {
      shown += line.front();
      line.remove_prefix(1);
    }
  }
  return shown;
}

}  // namespace smelt::wrapper
