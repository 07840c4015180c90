#ifndef SMELT_CONFIG_AUTH_TABLES_H_
#define SMELT_CONFIG_AUTH_TABLES_H_

#include "src/auth/auth_options.h"
#include "src/config/toml_table.h"

namespace smelt {

// Reads the table [auth] of a server's configuration. `target` lives longer than the reader.
toml_table::Reader Auth(AuthOptions& target);

}  // namespace smelt

#endif  // SMELT_CONFIG_AUTH_TABLES_H_
