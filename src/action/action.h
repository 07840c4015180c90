#ifndef SMELT_ACTION_ACTION_H_
#define SMELT_ACTION_ACTION_H_

#include <string>
#include <vector>

#include "src/action/closure.h"
#include "src/digest/digest.h"
#include "src/reapi/input_tree.h"

namespace smelt {

// Part of every key: raise it when what a key or a stored result means changes, and old entries are never found again.
inline constexpr int kKeySchema = 2;

// K0: names the Manifest of a unit. A synthetic action digest: the Manifest lies in the action cache beside the
// results, as stdout_raw of an ActionResult.
Digest ManifestKey(const UnitKey& unit);

// A compile as a REAPI action. `key` (K1) is the digest of the Action message.
//
// The input root holds the toolchain at smelt/toolchain and every file of the closure at its canonical path without the
// leading slash; the Command's working directory is below it; a sandbox whose root is the input root runs it as it is.
// What a Directory cannot say (absent files, listings, unset variables, tools, files below the toolchain that are no
// part of it) is a text whose digest is the Action's salt.
struct BuiltAction {
  Digest key;
  // The Action, the Command, the Directories and the salt's text, each once.
  std::vector<reapi::NamedBlob> blobs;
};
BuiltAction BuildAction(const UnitKey& unit, const Closure& closure);

// False if a name or a value is not UTF-8: REAPI's messages cannot hold it, and what is stored under such a key would
// never be found.
bool IsRepresentable(const UnitKey& unit, const Closure& closure);

// Every part of the key, a line each, sorted within its kind: "argument …", "file <path> <digest>", "variable N=V",
// "unset N", "absent …", "listing …", "tool …", "toolchain …". For `smelt why`: two of these are compared line by line.
std::vector<std::string> KeyDump(const UnitKey& unit, const Closure& closure);

}  // namespace smelt

#endif  // SMELT_ACTION_ACTION_H_
