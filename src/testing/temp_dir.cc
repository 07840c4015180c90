#include "src/testing/temp_dir.h"

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

namespace smelt {
namespace {

namespace fs = std::filesystem;

std::string Parent() {
  for (const char* variable : {"TEST_TMPDIR", "TMPDIR"}) {
    const char* value = ::getenv(variable);
    if (value != nullptr && *value != '\0') return value;
  }
  return "/tmp";
}

}  // namespace

TempDir::TempDir() : path_(Parent() + "/smelt-test-XXXXXX") {
  if (::mkdtemp(path_.data()) != nullptr) return;
  std::perror(path_.c_str());
  std::abort();
}

TempDir::~TempDir() {
  std::error_code error;
  fs::recursive_directory_iterator entry(path_, fs::directory_options::skip_permission_denied, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) {
      fs::permissions(entry->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
    }
  }
  fs::remove_all(path_, error);
}

std::string TempDir::operator/(std::string_view name) const {
  std::string joined = path_ + "/";
  joined += name;
  return joined;
}

}  // namespace smelt
