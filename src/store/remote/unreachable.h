#ifndef SMELT_STORE_REMOTE_UNREACHABLE_H_
#define SMELT_STORE_REMOTE_UNREACHABLE_H_

#include <string>
#include <string_view>

namespace smelt {

// What follows "ENDPOINT cannot be reached": ": CAUSE", and in brackets what mends it where that can be told from
// `message`, gRPC's of a call that failed because nothing was connected. `tls`: whether the endpoint is grpcs://. Empty
// where gRPC says nothing.
std::string ExplainUnreachable(std::string_view message, bool tls);

}  // namespace smelt

#endif  // SMELT_STORE_REMOTE_UNREACHABLE_H_
