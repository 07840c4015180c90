#ifndef SMELT_DAEMON_CARGO_CALL_H_
#define SMELT_DAEMON_CARGO_CALL_H_

#include <optional>
#include <string>
#include <vector>

namespace smelt {

// How cargo was called: what /proc tells of the process that started a wrapper.
struct CargoCall {
  std::string directory;               // where
  std::vector<std::string> arguments;  // its own name first
};

// What such a call is about to build.
struct ForeseenBuild {
  std::string directory;       // of its Cargo.toml, or below
  std::string profile;         // as the directory of outputs is named: "debug", "release"
  bool generates_code = true;  // `check` does not
  std::string target;          // of --target; it may be configured as well

  friend bool operator==(const ForeseenBuild&, const ForeseenBuild&) = default;
};

// nullopt if this is no call of cargo's that builds, or none that can be told from its arguments (aliases). A guess:
// what it leads to must be right without it.
std::optional<ForeseenBuild> ForeseeBuild(const CargoCall& call);

}  // namespace smelt

#endif  // SMELT_DAEMON_CARGO_CALL_H_
