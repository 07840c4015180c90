#include "src/action/closure.h"

#include <algorithm>

namespace smelt {
namespace {

template <typename List>
void SortUnique(List& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

}  // namespace

bool Promote(Manifest& manifest, const Shape& shape) {
  const std::string bytes = shape.SerializeAsString();
  auto& shapes = *manifest.mutable_shapes();
  auto same =
      std::find_if(shapes.begin(), shapes.end(), [&](const Shape& s) { return s.SerializeAsString() == bytes; });
  if (same == shapes.begin() && !shapes.empty()) return false;
  if (same == shapes.end()) {
    *shapes.Add() = shape;
    same = shapes.end() - 1;
  }
  std::rotate(shapes.begin(), same, same + 1);
  while (shapes.size() > kShapesMax) shapes.RemoveLast();
  return true;
}

void Normalize(Shape& shape) {
  SortUnique(*shape.mutable_files());
  SortUnique(*shape.mutable_absent());
  SortUnique(*shape.mutable_listings());
  SortUnique(*shape.mutable_variables());
  SortUnique(*shape.mutable_path_variables());
  SortUnique(*shape.mutable_existing());
  SortUnique(*shape.mutable_plain_directories());
  std::map<std::string, std::string> tools;
  for (const Shape::Tool& tool : shape.tools()) tools.emplace(tool.name(), tool.path());
  shape.clear_tools();
  for (const auto& [name, path] : tools) {
    Shape::Tool& tool = *shape.add_tools();
    tool.set_name(name);
    tool.set_path(path);
  }
}

}  // namespace smelt
