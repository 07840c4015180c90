#include "src/daemon/package_roots.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace smelt {
namespace {

// "<embedded>\t<real>\n" for each package.
std::map<std::string, std::string> Parsed(const std::string& text) {
  std::map<std::string, std::string> packages;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::size_t tab = text.find('\t', at);
    if (tab < end) packages.emplace(text.substr(at, tab - at), text.substr(tab + 1, end - tab - 1));
    at = end + 1;
  }
  return packages;
}

std::string Text(const std::map<std::string, std::string>& packages) {
  std::string text;
  for (const auto& [embedded, real] : packages) text += embedded + "\t" + real + "\n";
  return text;
}

const rustc::Root* Named(const rustc::PathMap& paths, const std::string& name) {
  for (const rustc::Root& root : paths.roots()) {
    if (root.name == name) return &root;
  }
  return nullptr;
}

}  // namespace

rustc::PathMap PackageRoots::Complete(const rustc::PathMap& paths) {
  const rustc::Root* build = Named(paths, "build");
  if (!build) return paths;
  const rustc::Root* own = Named(paths, "package");
  const std::string key = "packages\n" + build->real;

  absl::MutexLock lock(&mu_);
  if (known_.size() > kPackagesMax) known_.clear();
  auto [slot, is_new] = known_.try_emplace(key);
  std::map<std::string, std::string>& packages = slot->second;
  if (is_new) packages = Parsed(table_.Get(key).value_or(""));
  if (own && own->real.find_first_of("\t\n") == std::string::npos && packages.size() < kPackagesMax) {
    std::string& real = packages[own->embedded];
    if (real != own->real) {
      real = own->real;
      table_.Put(key, Text(packages)).IgnoreError();
    }
  }
  std::vector<rustc::Root> roots = paths.roots();
  for (const auto& [embedded, real] : packages) {
    if (!own || embedded != own->embedded) roots.push_back({"package:" + embedded, real, "", embedded});
  }
  return rustc::PathMap(std::move(roots));
}

}  // namespace smelt
