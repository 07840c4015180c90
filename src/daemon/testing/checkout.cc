#include "src/daemon/testing/checkout.h"

#include <filesystem>
#include <fstream>
#include <utility>

#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/wire/build_id.h"

namespace smelt {
namespace {

namespace fs = std::filesystem;

void WriteNow(const std::string& path, const std::string& contents, int mode) {
  fs::create_directories(fs::path(path).parent_path());
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << contents;
  fs::permissions(path, fs::perms(mode));
}

}  // namespace

void WriteAndWait(const std::string& path, const std::string& contents, int mode) {
  WriteNow(path, contents, mode);
  const auto stat = FileSystem::System().Stat(path);
  while (stat.ok() && Clock::System().NowNanos() <= stat->ctime_ns) {
  }
}

FakeToolchain::FakeToolchain(std::string sysroot, const std::string& release) : sysroot_(std::move(sysroot)) {
  const std::string script = "#!/bin/sh\nprintf '%s\\n' 'rustc " + release +
                             "' 'binary: rustc' 'commit-hash: " + std::string(40, 'a') + "' 'host: " + kHost +
                             "' 'release: " + release + "'\n";
  WriteNow(rustc(), script, 0755);
  WriteNow(sysroot_ + "/lib/librustc_driver-1.so", "driver " + release, 0644);
  WriteAndWait(library(), "core " + release);
}

Checkout::Checkout(std::string directory, const FakeToolchain& toolchain)
    : rustc(toolchain.rustc()), directory_(std::move(directory)) {
  fs::create_directories(Deps());
}

void Checkout::Write(const std::string& name, const std::string& contents) const { WriteAndWait(Path(name), contents); }

void Checkout::Remove(const std::string& name) const { fs::remove_all(Path(name)); }

std::string Checkout::Read(const std::string& name) const {
  return FileSystem::System().ReadFile(Path(name)).value_or("");
}

void Checkout::RemoveTarget() const {
  fs::remove_all(Path("target"));
  fs::create_directories(Deps());
}

std::map<std::string, std::string> Checkout::Outputs() const {
  std::map<std::string, std::string> outputs;
  for (const auto& entry : fs::directory_iterator(Deps())) {
    outputs[entry.path().filename()] = FileSystem::System().ReadFile(entry.path()).value_or("unreadable");
  }
  return outputs;
}

std::vector<std::string> Checkout::Environment() const {
  std::map<std::string, std::string> variables = {
      {"PATH", "/usr/bin:/bin"},  {"HOME", directory_ + "/home"}, {"CARGO_HOME", directory_ + "/home/.cargo"},
      {"CARGO_PKG_NAME", "a"},    {"CARGO_PKG_VERSION", "1.0.0"}, {"CARGO_MANIFEST_DIR", directory_},
      {"CARGO_MAKEFLAGS", "-j2"},
  };
  for (const auto& [name, value] : environment) variables[name] = value;
  std::vector<std::string> block;
  for (const auto& [name, value] : variables) block.push_back(name + "=" + value);
  return block;
}

wire::Compile Checkout::Request() const {
  wire::Compile request;
  request.build_id = wire::BuildId();
  request.working_directory = directory_;
  request.environment = Environment();
  request.umask = umask;
  request.command = {rustc,  "--crate-name", crate_name, "--edition=2021",
                     source, "--crate-type", crate_type, "--emit=" + emits};
  if (!metadata.empty()) request.command.insert(request.command.end(), {"-C", "metadata=" + metadata});
  request.command.insert(request.command.end(), {"-C", "extra-filename=-1", "--out-dir", Deps(), "-L",
                                                 "dependency=" + Deps(), "--error-format=json"});
  request.command.insert(request.command.end(), arguments.begin(), arguments.end());
  return request;
}

}  // namespace smelt
