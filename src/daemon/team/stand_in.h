#ifndef SMELT_DAEMON_TEAM_STAND_IN_H_
#define SMELT_DAEMON_TEAM_STAND_IN_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/digest/digest.h"

namespace smelt {

// In a team's result a part of an output stands in for the whole: its path ends with a suffix, so that who does not
// know of this finds no output instead of a wrong one, and node_properties say what the whole was.

// Makes `file`, which names `whole`, name `part` instead.
void StandIn(build::bazel::remote::execution::v2::OutputFile& file, std::string_view suffix, const Digest& part,
             const Digest& whole);

// What `file` stands in for. Errors of Digest::Parse.
absl::StatusOr<Digest> WholeOf(const build::bazel::remote::execution::v2::OutputFile& file);

// The reverse of StandIn: `file`, whose path ends with `suffix`, names `whole`, and has no properties.
void Restore(build::bazel::remote::execution::v2::OutputFile& file, std::string_view suffix, const Digest& whole);

}  // namespace smelt

#endif  // SMELT_DAEMON_TEAM_STAND_IN_H_
