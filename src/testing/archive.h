#ifndef SMELT_TESTING_ARCHIVE_H_
#define SMELT_TESTING_ARCHIVE_H_

#include <string>
#include <utility>
#include <vector>

namespace smelt {

// A member of a file as ar(1) and rustc write them. `size` is what its header says.
inline std::string ArchiveMember(const std::string& name, const std::string& contents, const std::string& size) {
  std::string header(60, ' ');
  header.replace(0, name.size(), name).replace(48, size.size(), size).replace(58, 2, "`\n");
  return header + contents + (contents.size() % 2 == 1 ? "\n" : "");
}

inline std::string ArchiveMember(const std::string& name, const std::string& contents) {
  return ArchiveMember(name, contents, std::to_string(contents.size()));
}

// Such a file: members with their names, as in {"lib.rmeta/", "metadata"}.
inline std::string Archive(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string archive = "!<arch>\n";
  for (const auto& [name, contents] : members) archive += ArchiveMember(name, contents);
  return archive;
}

}  // namespace smelt

#endif  // SMELT_TESTING_ARCHIVE_H_
