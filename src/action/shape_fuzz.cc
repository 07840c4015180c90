// A manifest of others: of whatever shapes it has, each gives an action, the same each time; the one that
// was of use comes first, and drops what is too many.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/action/action.h"
#include "src/action/closure.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

// As if everything it names were here.
Closure ClosureOf(const Shape& shape) {
  Closure closure;
  for (const std::string& path : shape.files()) closure.files.emplace(path, DigestOf(path));
  closure.absent.insert(shape.absent().begin(), shape.absent().end());
  closure.directories.insert(shape.existing().begin(), shape.existing().end());
  for (const std::string& path : shape.listings()) closure.listings.emplace(path, DigestOf(path));
  for (const std::string& name : shape.variables()) closure.variables.emplace(name, std::nullopt);
  for (const Shape::Tool& tool : shape.tools()) closure.tools.emplace(tool.name(), tool.path());
  return closure;
}

void CheckAction(const Shape& shape) {
  UnitKey unit;
  unit.program = {"/smelt/toolchain/bin/rustc"};
  unit.working_directory = "/smelt/workspace";
  unit.outputs = {"/smelt/build/deps/liba.rlib"};
  const Closure closure = ClosureOf(shape);
  if (!IsRepresentable(unit, closure)) return;
  const BuiltAction action = BuildAction(unit, closure);
  if (BuildAction(unit, closure).key != action.key) std::abort();
  for (const reapi::NamedBlob& blob : action.blobs) {
    if (DigestOf(blob.bytes) != blob.digest) std::abort();
  }
  if (KeyDump(unit, closure).empty()) std::abort();
}

}  // namespace
}  // namespace smelt

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  smelt::Manifest manifest;
  if (!manifest.ParseFromArray(data, static_cast<int>(size))) return 0;
  for (const smelt::Shape& shape : manifest.shapes()) smelt::CheckAction(shape);
  if (manifest.shapes_size() == 0) return 0;
  const smelt::Shape last = manifest.shapes(manifest.shapes_size() - 1);
  const bool changed = smelt::Promote(manifest, last);
  if (manifest.shapes(0).SerializeAsString() != last.SerializeAsString()) std::abort();
  if (changed && manifest.shapes_size() > smelt::kShapesMax) std::abort();
  if (smelt::Promote(manifest, last)) std::abort();
  return 0;
}
