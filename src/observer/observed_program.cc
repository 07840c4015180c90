// Does one thing, named by its first argument, for observer_test.cc to find in the log. Ends with 0 if the thing went
// as it should for the program itself.

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace {

using Arguments = std::vector<std::string>;

bool Opens(int fd) { return fd >= 0 && close(fd) == 0; }

bool Closes(FILE* file) { return file != nullptr && fclose(file) == 0; }

bool EndsWell(pid_t pid) {
  int status = -1;
  return waitpid(pid, &status, 0) == pid && status == 0;
}

// Files in the working directory: in.txt is there, with something in it; absent.txt is not.
bool Files(const Arguments&) {
  int here = open(".", O_RDONLY | O_PATH | O_DIRECTORY);
  bool opened = Opens(open("in.txt", O_RDONLY)) && Opens(openat(here, "at.txt", O_RDONLY)) &&
                Closes(fopen("fopen.txt", "r")) && Opens(open("out.txt", O_WRONLY | O_CREAT, 0600)) &&
                Opens(creat("creat.txt", 0600)) && Closes(fopen("written.txt", "w")) &&
                Opens(open("updated.txt", O_RDWR)) && Opens(openat(here, "new.txt", O_RDWR | O_CREAT | O_EXCL, 0600));
  errno = 0;
  bool absent = open("absent.txt", O_RDONLY) == -1 && errno == ENOENT;
  return opened && absent && open("in.txt/below", O_RDONLY) == -1 && errno == ENOTDIR;
}

bool Lookups(const Arguments&) {
  struct stat facts;
  bool found = stat("in.txt", &facts) == 0 && facts.st_size > 0 && access("in.txt", R_OK) == 0;
  errno = 0;
  bool absent = stat("absent1", &facts) == -1 && errno == ENOENT && lstat("absent2", &facts) == -1 &&
                access("absent3", F_OK) == -1 && fstatat(AT_FDCWD, "absent4", &facts, 0) == -1;
  char target[8];
  return found && absent && readlink("absent5", target, sizeof target) == -1 && realpath("absent6", nullptr) == nullptr;
}

// The same file by other ways than its name.
bool Detours(const Arguments&) {
  const std::string here = "/proc/self/fd/" + std::to_string(open(".", O_RDONLY | O_PATH | O_DIRECTORY));
  const std::string file = "/proc/self/fd/" + std::to_string(open("pinned.txt", O_RDONLY | O_PATH));
  open_how how = {};
  how.flags = O_RDONLY;
  struct stat facts;
  int pipes[2];
  return Opens(open("/proc/self/cwd/cwd.txt", O_RDONLY)) && Opens(open((here + "/descriptor.txt").c_str(), O_RDONLY)) &&
         Opens(open(file.c_str(), O_RDONLY)) &&
         Opens(static_cast<int>(syscall(SYS_openat, AT_FDCWD, "number.txt", O_RDONLY))) &&
         Opens(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, "how.txt", &how, sizeof how))) &&
         syscall(SYS_newfstatat, AT_FDCWD, "absent.txt", &facts, 0) == -1 && errno == ENOENT && pipe(pipes) == 0 &&
         Opens(open(("/dev/fd/" + std::to_string(pipes[0])).c_str(), O_RDONLY));
}

// Where the process is, by what `arguments[0]` resolves to.
bool Whereabouts(const Arguments& arguments) {
  char target[4096];
  return arguments[0] == "readlink" ? readlink("/proc/self/cwd", target, sizeof target) > 0
                                    : realpath(arguments[0].c_str(), target) != nullptr;
}

bool Directories(const Arguments&) {
  DIR* listed = opendir("listed");
  int fd = open("opened", O_RDONLY | O_DIRECTORY);
  return listed != nullptr && closedir(listed) == 0 && Opens(fd) && opendir("absent") == nullptr && errno == ENOENT;
}

bool Changes(const Arguments&) {
  char temporary[] = "temporary-XXXXXX";
  return rename("in.txt", "renamed.txt") == 0 && link("renamed.txt", "linked.txt") == 0 &&
         symlink("renamed.txt", "symlinked.txt") == 0 && mkdir("made", 0700) == 0 && Opens(mkstemp(temporary));
}

bool Variables(const Arguments&) {
  const char* set = getenv("SET_VARIABLE");
  return set != nullptr && strcmp(set, "value") == 0 && getenv("UNSET_VARIABLE") == nullptr;
}

bool Chance(const Arguments&) {
  char bytes[8];
  return getrandom(bytes, sizeof bytes, 0) == 8 && getentropy(bytes, sizeof bytes) == 0 &&
         syscall(SYS_getrandom, bytes, sizeof bytes, GRND_INSECURE) == 8 && Opens(open("/dev/urandom", O_RDONLY));
}

bool Network(const Arguments&) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && Opens(fd);
}

bool Environment(const Arguments&) { return environ != nullptr && Opens(open("/proc/self/environ", O_RDONLY)); }

std::vector<char*> Pointers(Arguments& arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The rest of the arguments is a command, executed or spawned in the way that the name says.
bool Fork(Arguments command) {
  pid_t pid = fork();
  if (pid == 0) execv(command[0].c_str(), Pointers(command).data()), _exit(1);
  return EndsWell(pid);
}

bool Vfork(Arguments command) {
  std::vector<char*> pointers = Pointers(command);
  pid_t pid = vfork();
  if (pid == 0) execvp(pointers[0], pointers.data()), _exit(1);
  return EndsWell(pid);
}

bool Spawn(Arguments command) {
  pid_t pid = -1;
  return posix_spawn(&pid, command[0].c_str(), nullptr, nullptr, Pointers(command).data(), environ) == 0 &&
         EndsWell(pid);
}

bool SpawnByName(Arguments command) {
  pid_t pid = -1;
  return posix_spawnp(&pid, command[0].c_str(), nullptr, nullptr, Pointers(command).data(), environ) == 0 &&
         EndsWell(pid);
}

bool Exec(Arguments command) {
  execl(command[0].c_str(), command[0].c_str(), command[1].c_str(), static_cast<char*>(nullptr));
  return false;
}

bool ExecAbsent(const Arguments&) {
  return execlp("no-such-program", "no-such-program", static_cast<char*>(nullptr)) == -1 && errno == ENOENT;
}

// Closes every descriptor, the observer's too, and uses the numbers for files of its own: nothing may be written there.
bool Descriptors(const Arguments&) {
  for (int fd = 3; fd < 1024; ++fd) close(fd);
  bool opened = true;
  for (int i = 0; i < 600; ++i) opened = opened && open("mine.txt", O_WRONLY | O_CREAT | O_APPEND, 0600) >= 0;
  bool asked = getenv("AFTER_CLOSING") == nullptr;
  struct stat facts;
  return opened && asked && stat("mine.txt", &facts) == 0 && facts.st_size == 0;
}

// Eight threads, each with `count` pairs of getenv and open and, now and then, a forked child that does one more.
bool Storm(const Arguments& arguments) {
  int count = std::stoi(arguments[0]);
  auto work = [count](int thread) {
    for (int i = 0; i < count; ++i) {
      std::string name = "STORM_" + std::to_string(thread) + "_" + std::to_string(i);
      if (getenv(name.c_str()) != nullptr || open(name.c_str(), O_RDONLY) != -1) _exit(1);
      if (i % 20 != 0) continue;
      pid_t pid = fork();
      if (pid == 0) _exit(getenv("STORM_CHILD") == nullptr ? 0 : 1);
      if (!EndsWell(pid)) _exit(1);
    }
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) threads.emplace_back(work, thread);
  for (std::thread& thread : threads) thread.join();
  return true;
}

bool Load(const Arguments& arguments) {
  void* object = dlopen(arguments[0].c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) return false;
  auto* ask = reinterpret_cast<const char* (*)()>(dlsym(object, "Ask"));
  return ask != nullptr && ask() == nullptr && dlclose(object) == 0;
}

bool Fail(const Arguments& arguments) { return dlopen(arguments[0].c_str(), RTLD_NOW) == nullptr; }

// A name that is longer than a record may be.
bool Overlong(const Arguments&) { return getenv(std::string(std::size_t{2} << 20, 'x').c_str()) == nullptr; }

bool Nothing(const Arguments&) { return true; }

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, std::function<bool(const Arguments&)>> things = {
      {"files", Files},
      {"lookups", Lookups},
      {"detours", Detours},
      {"whereabouts", Whereabouts},
      {"directories", Directories},
      {"changes", Changes},
      {"variables", Variables},
      {"chance", Chance},
      {"network", Network},
      {"environment", Environment},
      {"fork", Fork},
      {"vfork", Vfork},
      {"spawn", Spawn},
      {"spawnp", SpawnByName},
      {"exec", Exec},
      {"storm", Storm},
      {"exec-absent", ExecAbsent},
      {"descriptors", Descriptors},
      {"load", Load},
      {"fail", Fail},
      {"nothing", Nothing},
      {"overlong", Overlong},
  };
  auto thing = things.find(argc > 1 ? argv[1] : "");
  if (thing == things.end()) return 2;
  if (thing->second(Arguments(argv + 2, argv + argc))) return 0;
  std::perror(argv[1]);
  return 1;
}
