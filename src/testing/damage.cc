#include "src/testing/damage.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "src/base/file_system.h"
#include "src/testing/status_matchers.h"

namespace smelt {

std::vector<std::string> FilesBelow(const std::string& directory, std::string_view suffix) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file() || entry.file_size() == 0) continue;
    if (entry.path().string().ends_with(suffix)) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

void DamageOne(const std::string& directory, std::string_view suffix, std::mt19937& random) {
  const std::vector<std::string> paths = FilesBelow(directory, suffix);
  ASSERT_FALSE(paths.empty());
  const std::string path = paths[random() % paths.size()];
  SCOPED_TRACE(path);
  ASSERT_OK_AND_ASSIGN(std::string bytes, FileSystem::System().ReadFile(path));
  const std::size_t at = random() % bytes.size();
  if (random() % 3 == 0) {
    bytes.resize(at);
  } else {
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
  }
  ASSERT_OK(FileSystem::System().Remove(path));
  ASSERT_OK(FileSystem::System().WriteNewFile(path, bytes, 0644));
}

void OverwriteAll(const std::string& directory, std::string_view suffix) {
  const std::vector<std::string> paths = FilesBelow(directory, suffix);
  ASSERT_FALSE(paths.empty());
  for (const std::string& path : paths) {
    const std::string nonsense(std::filesystem::file_size(path) / 2, 'x');
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.write(nonsense.data(), static_cast<std::streamsize>(nonsense.size()));
    ASSERT_TRUE(file.flush()) << path;
  }
}

}  // namespace smelt
