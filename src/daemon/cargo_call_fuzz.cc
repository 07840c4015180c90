#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "src/daemon/cargo_call.h"

// However a process says that it was called, what is foreseen has a place, and what follows "--" is not cargo's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream line(std::string(reinterpret_cast<const char*>(data), size));
  smelt::CargoCall call;
  std::getline(line, call.directory, '\0');
  for (std::string argument; std::getline(line, argument, '\0');) call.arguments.push_back(argument);
  call.arguments.insert(call.arguments.end(), {"build", "--"});
  const auto foreseen = smelt::ForeseeBuild(call);
  if (foreseen && !foreseen->directory.empty() && foreseen->directory.front() != '/') std::abort();
  call.arguments.insert(call.arguments.end(), {"--release", "--profile=x", "--manifest-path", "elsewhere/Cargo.toml"});
  if (smelt::ForeseeBuild(call) != foreseen) std::abort();
  return 0;
}
