#ifndef SMELT_DAEMON_EDITED_UNITS_H_
#define SMELT_DAEMON_EDITED_UNITS_H_

#include <string>

#include "src/action/closure.h"
#include "src/base/file_system.h"
#include "src/base/table.h"
#include "src/compilers/rustc/path_map.h"
#include "src/digest/file_digests.h"

namespace smelt {

// Tells units that somebody is editing from the others. A unit for which cargo asks for incremental compilation is
// compiled without it, and stored, until its own sources change in this target directory; from then on it keeps
// incremental state, as plain cargo would, and is not stored (the bytes of an incremental compile are made nowhere
// else). What depends on such bytes is treated the same way. Thread-safe.
class EditedUnits {
 public:
  EditedUnits(FileSystem& files, FileDigests& digests, Table& table);

  // `unit` names the unit in its target directory. Remembers the sources with which it was stored or found.
  void Settled(const std::string& unit, const Closure& closure);

  // True if a source that was remembered has changed since.
  bool IsEdited(const std::string& unit, const rustc::PathMap& paths);

  // An output of an incremental compile, and whether `path` still is one.
  void MarkPrivate(const std::string& path);
  bool IsPrivate(const std::string& path);

 private:
  FileSystem& files_;
  FileDigests& digests_;
  Table& table_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_EDITED_UNITS_H_
