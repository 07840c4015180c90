#ifndef SMELT_DAEMON_TESTING_CHECKOUT_H_
#define SMELT_DAEMON_TESTING_CHECKOUT_H_

#include <map>
#include <string>
#include <vector>

#include "src/wire/message.h"

namespace smelt {

// A toolchain as rustup installs it, made of small files; bin/rustc answers -vV.
class FakeToolchain {
 public:
  // Makes it at `sysroot`.
  explicit FakeToolchain(std::string sysroot, const std::string& release = "1.95.0");

  const std::string& sysroot() const { return sysroot_; }
  std::string rustc() const { return sysroot_ + "/bin/rustc"; }
  std::string library() const { return sysroot_ + "/lib/rustlib/" + kHost + "/lib/libcore-1.rlib"; }

  static constexpr char kHost[] = "x86_64-unknown-linux-gnu";

 private:
  std::string sysroot_;
};

// A workspace with one crate "a" and its target directory, as cargo would compile it.
class Checkout {
 public:
  Checkout(std::string directory, const FakeToolchain& toolchain);

  const std::string& directory() const { return directory_; }
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  std::string Deps() const { return Path("target/debug/deps"); }

  // Writes a file below the workspace, and waits until a change of the clock tells it from what comes later.
  void Write(const std::string& name, const std::string& contents) const;
  void Remove(const std::string& name) const;
  std::string Read(const std::string& name) const;

  // `cargo clean`.
  void RemoveTarget() const;

  // What lies in the target directory: contents by name.
  std::map<std::string, std::string> Outputs() const;

  // What cargo asks for.
  wire::Compile Request() const;
  std::vector<std::string> Environment() const;

  std::string crate_name = "a", crate_type = "lib", emits = "dep-info,metadata,link", source = "src/lib.rs";
  std::string metadata = "1";                      // of -C metadata, which cargo's units have
  std::vector<std::string> arguments;              // behind all others
  std::map<std::string, std::string> environment;  // besides what cargo sets
  std::uint32_t umask = 022;
  std::string rustc;

 private:
  std::string directory_;
};

// Writes a file, its directory too, and waits as Checkout::Write does.
void WriteAndWait(const std::string& path, const std::string& contents, int mode = 0644);

}  // namespace smelt

#endif  // SMELT_DAEMON_TESTING_CHECKOUT_H_
