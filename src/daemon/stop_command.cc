#include "fmt/format.h"
#include "src/daemon/command.h"

namespace smelt {
namespace {

constexpr absl::Duration kWorkingInterval = absl::Seconds(1);

// Goes on if the user goes away: the daemon is to end all the same.
void AwaitCompiles(Drain& drain, CommandCall& call) {
  int told = 0;
  for (int left = drain.Await(kWorkingInterval); left > 0; left = drain.Await(kWorkingInterval)) {
    call.StillWorking();
    if (!call.command().terminal || left == told) continue;
    told = left;
    call.Error(fmt::format("Waiting for {} compile{} to end and be stored; another `smelt stop` gives them up...\n",
                           left, left == 1 ? "" : "s"));
  }
}

}  // namespace

int RunStop(const CommandParts& parts, CommandCall& call) {
  if (!call.Accepts({}, 0)) return 2;
  const bool is_first = parts.drain.Close();
  if (is_first) AwaitCompiles(parts.drain, call);
  parts.stop(/*at_once=*/!is_first);
  return 0;
}

}  // namespace smelt
