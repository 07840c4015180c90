// The floor of tools/bench: what a compile cache would cost that looked at nothing.
//
//   RUSTC_WRAPPER=floor_wrapper FLOOR_DIRECTORY=/dir cargo build
//
// The first time it sees a command line in a directory it runs the compiler and remembers its exit code, what it
// printed and, as hard links, what it wrote. From then on it replays that: no input is looked at, so the results are
// wrong as soon as anything changes. It is a yardstick and nothing else.

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Outputs {
  std::string directory;  // --out-dir; empty if there is none
  std::string stem;       // crate name and -C extra-filename
};

struct Recording {
  int exit_code = 0;
  std::string standard_output;
  std::string standard_error;
  std::vector<std::string> files;  // names in the output directory
};

std::uint64_t Mix(std::uint64_t hash, std::string_view text) {
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3u;
  return (hash ^ 0xff) * 0x100000001b3u;
}

std::string KeyOf(char** argv) {
  char* directory = ::getcwd(nullptr, 0);
  std::uint64_t a = Mix(0xcbf29ce484222325u, directory ? directory : "");
  std::uint64_t b = Mix(0x9e3779b97f4a7c15u, directory ? directory : "");
  std::free(directory);
  for (char** arg = argv; *arg; ++arg) a = Mix(a, *arg), b = Mix(b + a, *arg);
  char key[33];
  std::snprintf(key, sizeof key, "%016llx%016llx", static_cast<unsigned long long>(a),
                static_cast<unsigned long long>(b));
  return key;
}

Outputs OutputsOf(char** argv) {
  Outputs outputs;
  std::string crate, extra;
  for (char** arg = argv; *arg; ++arg) {
    const std::string_view flag = *arg;
    const std::string_view next = arg[1] ? arg[1] : "";
    if (flag == "--out-dir") outputs.directory = next;
    if (flag == "--crate-name") crate = next;
    if (flag == "-C" && next.starts_with("extra-filename=")) extra = next.substr(15);
  }
  outputs.stem = crate + extra;
  if (crate.empty()) outputs.directory.clear();
  return outputs;
}

// "libfoo-1.rlib", "foo-1.d" and "foo-1" belong to the stem "foo-1".
bool BelongsTo(std::string_view file, std::string_view stem) {
  if (file.starts_with("lib") && BelongsTo(file.substr(3), stem)) return true;
  return file.starts_with(stem) && (file.size() == stem.size() || file[stem.size()] == '.');
}

std::vector<std::string> FilesOf(const Outputs& outputs) {
  std::vector<std::string> files;
  DIR* directory = outputs.directory.empty() ? nullptr : ::opendir(outputs.directory.c_str());
  if (!directory) return files;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_type == DT_REG && BelongsTo(entry->d_name, outputs.stem)) files.push_back(entry->d_name);
  }
  ::closedir(directory);
  return files;
}

void WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

bool ReadFile(const std::string& path, std::string* bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char buffer[1 << 16];
  for (ssize_t got; (got = ::read(fd, buffer, sizeof buffer)) > 0;)
    bytes->append(buffer, static_cast<std::size_t>(got));
  ::close(fd);
  return true;
}

// A recording is one file: "exit stdout-size stderr-size files\n", a line per file, then stdout and stderr.
std::string Serialised(const Recording& recording) {
  std::string text = std::to_string(recording.exit_code) + ' ' + std::to_string(recording.standard_output.size()) +
                     ' ' + std::to_string(recording.standard_error.size()) + ' ' +
                     std::to_string(recording.files.size()) + '\n';
  for (const std::string& file : recording.files) text += file + '\n';
  return text + recording.standard_output + recording.standard_error;
}

bool Parse(const std::string& text, Recording* recording) {
  std::size_t out_size = 0, err_size = 0, files = 0;
  if (std::sscanf(text.c_str(), "%d %zu %zu %zu", &recording->exit_code, &out_size, &err_size, &files) != 4)
    return false;
  std::size_t at = text.find('\n') + 1;
  for (; files > 0; --files) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string::npos) return false;
    recording->files.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (text.size() != at + out_size + err_size) return false;
  recording->standard_output = text.substr(at, out_size);
  recording->standard_error = text.substr(at + out_size);
  return true;
}

bool LinkOver(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return true;
  if (errno != EEXIST || ::unlink(to.c_str()) != 0) return false;
  return ::link(from.c_str(), to.c_str()) == 0;
}

bool Replay(const std::string& directory, const Outputs& outputs, int* exit_code) {
  std::string text;
  Recording recording;
  if (!ReadFile(directory + "/recording", &text) || !Parse(text, &recording)) return false;
  for (const std::string& file : recording.files) {
    const std::string target = outputs.directory + '/' + file;
    if (!LinkOver(directory + '/' + file, target)) return false;
    // Cargo calls a unit stale whose outputs are older than those of what it depends on, and build scripts are run
    // anew.
    ::utimensat(AT_FDCWD, target.c_str(), nullptr, 0);
  }
  WriteAll(STDOUT_FILENO, recording.standard_output);
  WriteAll(STDERR_FILENO, recording.standard_error);
  *exit_code = recording.exit_code;
  return true;
}

// Passes on what the compiler prints, and keeps it.
void Relay(int out, int err, Recording* recording) {
  pollfd pipes[] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
  std::string* kept[] = {&recording->standard_output, &recording->standard_error};
  const int targets[] = {STDOUT_FILENO, STDERR_FILENO};
  char buffer[1 << 16];
  while (pipes[0].fd >= 0 || pipes[1].fd >= 0) {
    if (::poll(pipes, 2, -1) < 0 && errno != EINTR) return;
    for (int i = 0; i < 2; ++i) {
      if (pipes[i].fd < 0 || !pipes[i].revents) continue;
      const ssize_t got = ::read(pipes[i].fd, buffer, sizeof buffer);
      if (got <= 0) {
        pipes[i].fd = -1;
        continue;
      }
      kept[i]->append(buffer, static_cast<std::size_t>(got));
      WriteAll(targets[i], {buffer, static_cast<std::size_t>(got)});
    }
  }
}

// The exit code; 128 + signal if it was killed, which is not kept.
int RunCompiler(char** command, Recording* recording, bool* ended) {
  int out[2], err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) return 127;
  const pid_t child = ::fork();
  if (child < 0) return 127;
  if (child == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    ::execvp(command[0], command);
    std::perror(command[0]);
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(err[1]);
  Relay(out[0], err[0], recording);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  *ended = WIFEXITED(status);
  return *ended ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void Keep(const std::string& directory, const Outputs& outputs, Recording* recording) {
  const std::string partial = directory + '.' + std::to_string(::getpid());
  if (::mkdir(partial.c_str(), 0777) != 0) return;
  recording->files = FilesOf(outputs);
  for (const std::string& file : recording->files) LinkOver(outputs.directory + '/' + file, partial + '/' + file);
  const int fd = ::open((partial + "/recording").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return;
  WriteAll(fd, Serialised(*recording));
  ::close(fd);
  ::rename(partial.c_str(), directory.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const char* root = std::getenv("FLOOR_DIRECTORY");
  if (argc < 2 || !root) {
    std::fprintf(stderr, "usage: RUSTC_WRAPPER=%s FLOOR_DIRECTORY=DIR cargo build\n", argv[0]);
    return 2;
  }
  const std::string directory = std::string(root) + '/' + KeyOf(argv + 1);
  const Outputs outputs = OutputsOf(argv + 1);
  int exit_code = 0;
  if (Replay(directory, outputs, &exit_code)) return exit_code;
  Recording recording;
  bool ended = false;
  recording.exit_code = RunCompiler(argv + 1, &recording, &ended);
  if (ended) Keep(directory, outputs, &recording);
  return recording.exit_code;
}
