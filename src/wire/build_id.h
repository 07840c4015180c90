#ifndef SMELT_WIRE_BUILD_ID_H_
#define SMELT_WIRE_BUILD_ID_H_

#include <cstdlib>
#include <string>

#include "src/wire/message.h"

namespace smelt::wire {

inline constexpr char kVersion[] = "0.1.0";

// Which smelt this is, for the wrapper and the daemon to compare: the version and the protocol, "0.1.0+wire1".
// $SMELT_BUILD_ID_FOR_TEST replaces it, so that a test can make a daemon of another version.
inline std::string BuildId() {
  if (const char* id = std::getenv("SMELT_BUILD_ID_FOR_TEST"); id != nullptr && *id != '\0') return id;
  return std::string(kVersion) + "+wire" + std::to_string(kProtocolVersion);
}

}  // namespace smelt::wire

#endif  // SMELT_WIRE_BUILD_ID_H_
