#include "src/compilers/rustc/target.h"

#include <algorithm>
#include <initializer_list>

#include "src/base/path_names.h"

namespace smelt::rustc {
namespace {

bool ContainsAny(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

// "gcc-12.2" -> "gcc".
std::string_view WithoutVersion(std::string_view name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash + 1 == name.size()) return name;
  const std::string_view version = name.substr(dash + 1);
  return version.find_first_not_of("0123456789.") == std::string_view::npos ? name.substr(0, dash) : name;
}

// Linkers that write no make rules of their inputs, whoever drives them.
bool HasForeignLinker(std::string_view target) {
  return IsApple(target) || target.starts_with("wasm") || target.ends_with(".json") ||
         ContainsAny(target,
                     {"msvc", "uefi", "cuda", "emscripten", "solaris", "illumos", "-aix", "bpf", "-linux-none"});
}

}  // namespace

bool IsApple(std::string_view target) { return target.find("-apple-") != std::string_view::npos; }

FileNaming NamingOf(std::string_view target) {
  FileNaming naming = {"", "lib", ".so", "lib", ".a"};
  if (IsApple(target)) naming.shared_suffix = ".dylib";
  if (ContainsAny(target, {"-windows-", "-cygwin"})) naming = {".exe", "", ".dll", "lib", ".a"};
  if (ContainsAny(target, {"-windows-msvc"})) naming = {".exe", "", ".dll", "", ".lib"};
  if (target.starts_with("wasm")) naming = {".wasm", "", ".wasm", "lib", ".a"};
  if (target.ends_with("-emscripten")) naming.program_suffix = ".js";
  if (target.ends_with("-uefi")) naming.program_suffix = ".efi";
  if (ContainsAny(target, {"-cuda"})) naming = {".ptx", "", ".ptx", "lib", ".a"};
  return naming;
}

bool LinkedByCCompiler(std::string_view target) {
  if (target.empty()) return true;
  if (HasForeignLinker(target)) return false;
  return ContainsAny(target,
                     {"-linux-", "-windows-gnu", "-freebsd", "-netbsd", "-openbsd", "-dragonfly", "-hurd", "-redox"}) ||
         target.ends_with("-linux");
}

bool IsCCompiler(std::string_view linker, std::string_view target) {
  if (HasForeignLinker(target)) return false;
  const std::string_view name = WithoutVersion(BaseName(linker));
  const std::initializer_list<std::string_view> drivers = {"cc", "gcc", "g++", "c++", "clang", "clang++"};
  return std::any_of(drivers.begin(), drivers.end(), [&](std::string_view driver) {
    if (!name.ends_with(driver)) return false;
    const std::string_view prefix = name.substr(0, name.size() - driver.size());
    return prefix.empty() || prefix.ends_with('-');
  });
}

}  // namespace smelt::rustc
