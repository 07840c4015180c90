#ifndef SMELT_CONFIG_AUTH_TABLES_H_
#define SMELT_CONFIG_AUTH_TABLES_H_

#include <vector>

#include "src/auth/auth_options.h"
#include "src/config/named_file.h"
#include "src/config/toml_table.h"

namespace smelt {

// Reads the table [auth] of a server's configuration. `target` and `files`, to which the files that it names are added,
// live longer than the reader.
toml_table::Reader Auth(AuthOptions& target, std::vector<NamedFile>& files);

}  // namespace smelt

#endif  // SMELT_CONFIG_AUTH_TABLES_H_
