#ifndef SMELT_CMD_NAMED_FILES_H_
#define SMELT_CMD_NAMED_FILES_H_

#include <vector>

#include "absl/status/status.h"
#include "src/config/named_file.h"

namespace smelt {

// Reads the files that a server's configuration names, in this order, at its start and for --check alike: nothing else
// is touched. INVALID_ARGUMENT for the first that cannot be read or does not hold what it should, and for a certificate
// of another key; it names the place in the configuration and what would be right, and shows nothing of the files.
absl::Status CheckNamedFiles(const std::vector<NamedFile>& files);

}  // namespace smelt

#endif  // SMELT_CMD_NAMED_FILES_H_
