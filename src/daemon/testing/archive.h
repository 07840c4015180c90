#ifndef SMELT_DAEMON_TESTING_ARCHIVE_H_
#define SMELT_DAEMON_TESTING_ARCHIVE_H_

#include <string>
#include <utility>
#include <vector>

namespace smelt {

// A file as ar(1) and rustc write them: members with their names, as in {"lib.rmeta/", "metadata"}.
inline std::string Archive(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string archive = "!<arch>\n";
  for (const auto& [name, contents] : members) {
    const std::string size = std::to_string(contents.size());
    std::string header(60, ' ');
    header.replace(0, name.size(), name).replace(48, size.size(), size).replace(58, 2, "`\n");
    archive += header + contents + (contents.size() % 2 == 1 ? "\n" : "");
  }
  return archive;
}

}  // namespace smelt

#endif  // SMELT_DAEMON_TESTING_ARCHIVE_H_
