#ifndef SMELT_CONFIG_TOML_TABLE_H_
#define SMELT_CONFIG_TOML_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <toml.hpp>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/config/named_file.h"

namespace smelt::toml_table {

// Where in which file a value stands: for errors.
struct Place {
  std::string file;
  std::string path;  // "auth.token"; empty at the top

  Place Under(const std::string& name) const { return {file, path.empty() ? name : path + "." + name}; }

  // INVALID_ARGUMENT "FILE:LINE: PATH: MESSAGE".
  absl::Status Error(const toml::value& value, const std::string& message) const;
};

// Reads one value; its errors have their place already.
using Reader = std::function<absl::Status(const Place&, const toml::value&)>;

// The keys that a table may have.
using Keys = std::vector<std::pair<std::string, Reader>>;

// The text of a file as a table. INVALID_ARGUMENT names file and line.
absl::StatusOr<toml::value> Parse(const std::string& text, const std::string& file);

// Reads each key that is there; an error for a key that is not in `keys`, and for a `value` that is no table.
absl::Status ReadTable(const Place& place, const toml::value& value, const Keys& keys);

// Readers. Each writes to `target`, which lives longer than it.
Reader Text(std::string& target);
Reader Number(std::int64_t& target, std::int64_t min, std::int64_t max);
Reader Share(double& target);  // from 0 to 1
Reader Flag(bool& target);
Reader Size(std::int64_t& target);      // as ParseSize
Reader Duration(std::int64_t& target);  // as ParseDuration
Reader Texts(std::vector<std::string>& target);
Reader TextMap(std::map<std::string, std::string>& target);
Reader Table(Keys keys);

// The path of a file, which is added to `files`.
Reader FileName(std::string& target, NamedFile::Holds holds, std::vector<NamedFile>& files);

// For [[name]]: calls `read` with each of its tables.
Reader Tables(Reader read);

}  // namespace smelt::toml_table

#endif  // SMELT_CONFIG_TOML_TABLE_H_
