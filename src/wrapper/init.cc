#include "src/wrapper/init.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/wrapper/cargo_config.h"
#include "src/wrapper/relay.h"

namespace smelt::wrapper {
namespace {

void Say(const std::string& line) { WriteAll(STDOUT_FILENO, line + "\n"); }

int Fail(const std::string& line) {
  WriteAll(STDERR_FILENO, "smelt init: " + line + "\n");
  return 1;
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

std::string WorkingDirectory() {
  char path[PATH_MAX];
  return getcwd(path, sizeof(path)) == nullptr ? std::string(".") : std::string(path);
}

// Empty if the environment does not say.
std::string CargoHome() {
  std::string home = Environment("CARGO_HOME");
  if (home.empty() && !Environment("HOME").empty()) home = Environment("HOME") + "/.cargo";
  if (!home.empty() && home[0] != '/') home = WorkingDirectory() + "/" + home;
  return home;
}

std::string ConfigIn(const std::string& directory) {
  return directory + (Exists(directory + "/config") ? "/config" : "/config.toml");
}

// What cargo reads in the current directory, the file that counts most first.
std::vector<std::string> ConfigsThatCount() {
  std::vector<std::string> paths;
  std::string directory = WorkingDirectory();
  for (;; directory.resize(directory.rfind('/'))) {
    paths.push_back(ConfigIn(directory + "/.cargo"));
    if (directory.empty() || directory.find('/') == std::string::npos) break;
  }
  if (!CargoHome().empty()) paths.push_back(ConfigIn(CargoHome()));
  return paths;
}

// A configuration file as it is. One that does not exist is empty.
struct Config {
  std::string path;
  std::string text;
  ScannedCargoConfig scanned;
  std::string error;  // with the path, and the line if there is one
};

std::string Located(const std::string& path, int line) { return path + ":" + std::to_string(line); }

bool ReadAll(int fd, std::string* text) {
  char buffer[4096];
  for (;;) {
    ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n == 0) return true;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text->append(buffer, static_cast<std::size_t>(n));
    if (text->size() > kCargoConfigBytesMax) return errno = EFBIG, false;
  }
}

Config ReadConfig(const std::string& path) {
  Config config;
  config.path = path;
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  bool absent = !file.valid() && (errno == ENOENT || errno == ENOTDIR);
  if (!absent && (!file.valid() || !ReadAll(file.get(), &config.text))) {
    config.error = "cannot read " + path + ": " + strerror(errno);
    return config;
  }
  config.scanned = ScanCargoConfig(config.text);
  if (!config.scanned.error.empty()) {
    config.error = Located(path, config.scanned.error_line) + ": this is not TOML: " + config.scanned.error;
  }
  return config;
}

// Where `path` leads if it is a symbolic link.
std::string Target(const std::string& path) {
  char resolved[PATH_MAX];
  return realpath(path.c_str(), resolved) == nullptr ? path : std::string(resolved);
}

bool MakeParents(const std::string& path) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    if (mkdir(path.substr(0, at).c_str(), 0777) != 0 && errno != EEXIST) return false;
  }
  return true;
}

bool WriteAndRename(const std::string& temporary, const std::string& path, mode_t mode, const std::string& text) {
  UniqueFd file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.valid()) return false;
  bool good = WriteAll(file.get(), text) && fsync(file.get()) == 0 && rename(temporary.c_str(), path.c_str()) == 0;
  int error = errno;
  if (!good) unlink(temporary.c_str());
  errno = error;
  return good;
}

// True, or false with errno.
bool ReplaceFile(const std::string& link, const std::string& text) {
  std::string path = Target(link);
  if (!MakeParents(path)) return false;
  struct stat info;
  mode_t mode = stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0666;
  return WriteAndRename(path + ".smelt-" + std::to_string(getpid()), path, mode, text);
}

// Why a build in the current directory would not use `wrapper`, from the variables that come before any file.
std::string EnvironmentComplaint(const std::string& wrapper) {
  for (const char* name : {"RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"}) {
    const char* value = std::getenv(name);
    if (value == nullptr) continue;
    if (value == wrapper || Target(value) == wrapper) return {};
    return std::string(name) + " is set to '" + value + "' in the environment and comes first: unset it";
  }
  return {};
}

std::string WrongWrapper(const Config& config) {
  return Located(config.path, config.scanned.wrapper->line) + ": rustc-wrapper is '" + config.scanned.wrapper->value +
         "'";
}

int Check(const InitOptions& options, const std::vector<std::string>& paths) {
  std::string complaint = EnvironmentComplaint(options.wrapper);
  if (!complaint.empty()) return Fail(complaint);
  for (const std::string& path : paths) {
    Config config = ReadConfig(path);
    if (!config.error.empty()) return Fail(config.error);
    if (!config.scanned.wrapper) continue;
    if (config.scanned.wrapper->value != options.wrapper) {
      return Fail(WrongWrapper(config) + ", not '" + options.wrapper + "': `smelt init --force` replaces it");
    }
    Say(path + " is set up: cargo uses " + options.wrapper);
    return 0;
  }
  return Fail("no rustc-wrapper in " + paths.back() + ": `smelt init` sets it");
}

int Set(const InitOptions& options, const std::string& path) {
  Config config = ReadConfig(path);
  if (!config.error.empty()) return Fail(config.error);
  const auto& old = config.scanned.wrapper;
  if (old && old->value == options.wrapper) {
    Say(path + " is already set up");
  } else if (old && !options.force) {
    return Fail(WrongWrapper(config) + ": remove that line, or replace it with `smelt init --force`");
  } else if (!ReplaceFile(path, WithRustcWrapper(config.text, config.scanned, options.wrapper))) {
    return Fail("cannot write " + path + ": " + strerror(errno));
  } else {
    Say(path + ": cargo now uses " + options.wrapper);
  }
  std::string complaint = EnvironmentComplaint(options.wrapper);
  return complaint.empty() ? 0 : Fail(complaint);
}

}  // namespace

int Init(const InitOptions& options) {
  if (options.local && options.global) return Fail("--local and --global exclude each other"), 2;
  if (options.wrapper.empty()) return Fail("cannot find out where this program is: is /proc mounted?");
  if (!options.local && CargoHome().empty()) return Fail("set HOME or CARGO_HOME, or use --local");
  if (options.check && !options.local && !options.global) return Check(options, ConfigsThatCount());
  std::string path = ConfigIn(options.local ? WorkingDirectory() + "/.cargo" : CargoHome());
  return options.check ? Check(options, {path}) : Set(options, path);
}

}  // namespace smelt::wrapper
