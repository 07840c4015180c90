#ifndef SMELT_ACTION_CLOSURE_H_
#define SMELT_ACTION_CLOSURE_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "smelt/closure/v1/closure.pb.h"
#include "src/digest/digest.h"

namespace smelt {

using Shape = ::smelt::closure::v1::Shape;
using Manifest = ::smelt::closure::v1::Manifest;

// What is known of a compile from its command line alone. Everything is in canonical form, so that it is the same on
// every machine.
struct UnitKey {
  Digest toolchain;                    // root Directory of the toolchain's input tree
  std::vector<std::string> program;    // "/smelt/toolchain/bin/rustc", or the driver and rustc
  std::vector<std::string> arguments;  // as rustc::KeyArguments gives them
  std::string working_directory;
  std::vector<std::pair<std::string, std::optional<std::string>>> environment;  // the fixed part; nullopt: unset
  std::vector<std::string> outputs;  // canonical paths, in the order in which rustc announces them
};

// A Shape with today's values: all that a compile reads beyond its UnitKey. Canonical paths.
struct Closure {
  std::map<std::string, Digest> files;
  std::set<std::string> executables;  // those of `files` that have an execute permission
  std::set<std::string> absent;
  std::set<std::string> directories;
  std::map<std::string, Digest> listings;  // of the names and types of a directory's entries
  std::map<std::string, std::optional<std::string>> variables;
  std::map<std::string, std::string> tools;
  // Directories of other packages that hold some of `files`, and the names that artifacts have in their place. What a
  // unit embeds of such a file depends on it, and whether it is so depends on which packages were compiled before.
  std::map<std::string, std::string> remaps;
  std::string working_directory;  // the real one; empty unless something asked for it
};

// The newest shapes that a Manifest keeps.
inline constexpr int kShapesMax = 8;

// Puts `shape` first; an equal one is moved, the oldest beyond kShapesMax dropped. True if that changed anything.
bool Promote(Manifest& manifest, const Shape& shape);

// Sorts and deduplicates the lists of `shape`, as Shape demands.
void Normalize(Shape& shape);

}  // namespace smelt

#endif  // SMELT_ACTION_CLOSURE_H_
