#include "src/wrapper/command_table.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace smelt::wrapper {
namespace {

constexpr Flag kInitFlags[] = {
    {"--check", "change nothing; exit with 0 if cargo is set up, else with 1 and the reason"},
    {"--global", "cargo's configuration of this user: $CARGO_HOME/config.toml (the default)"},
    {"--local", "the configuration of this directory and below: ./.cargo/config.toml"},
    {"--force", "replace another rustc-wrapper"},
};
constexpr Flag kJsonFlags[] = {{"--json", "for programs"}};
constexpr Flag kStatsFlags[] = {{"--json", "for programs"}, {"--reset", "set the counters to zero"}};
constexpr Flag kGcFlags[] = {{"--dry-run", "only say what would be removed"}};
constexpr std::string_view kShells[] = {"bash", "zsh", "fish"};

constexpr CommandRow kCommands[] = {
    {"init",
     "",
     0,
     0,
     false,
     Performer::kHere,
     "make cargo use smelt",
     "Writes rustc-wrapper = \"<this program>\" into the [build] table of cargo's configuration. Everything else\n"
     "in the file stays as it is. Without --global or --local, --check looks at what counts for the current\n"
     "directory.\n",
     kInitFlags,
     {}},
    {"cargo",
     "ARGS...",
     0,
     0,
     true,
     Performer::kHere,
     "run cargo with smelt, without any configuration",
     "Runs cargo ARGS... with RUSTC_WRAPPER set to this program.\n",
     {},
     {}},
    {"status",
     "",
     0,
     0,
     false,
     Performer::kDaemon,
     "what the daemon is doing, and where its cache is",
     "",
     kJsonFlags,
     {}},
    {"stats", "", 0, 0, false, Performer::kDaemon, "hits, misses, and why crates were not cached", "", kStatsFlags, {}},
    {"why",
     "CRATE",
     1,
     1,
     false,
     Performer::kDaemon,
     "why a crate was compiled and not taken from the cache",
     "Names the inputs of the last compile that differ from those of the nearest earlier one.\n",
     {},
     {}},
    {"show", "KEY", 1, 1, false, Performer::kDaemon, "what is stored under a key", "", kJsonFlags, {}},
    {"gc",
     "",
     0,
     0,
     false,
     Performer::kDaemon,
     "remove what was not used for longest until the cache fits its size",
     "smelt gc --server ENDPOINT ... asks a server to do the same: it runs smelt-server gc, which see.\n",
     kGcFlags,
     {}},
    {"flush",
     "[TIMEOUT]",
     0,
     1,
     false,
     Performer::kDaemon,
     "wait until everything is stored and uploaded",
     "For the last step of a CI job. TIMEOUT is \"90s\", \"10m\" (the default) or \"1h\". Exits with 1 and the reason\n"
     "if something could not be uploaded; what is left is kept, and goes when a daemon runs again.\n",
     {},
     {}},
    {"doctor", "", 0, 0, false, Performer::kDaemon, "look for what keeps smelt from working well", "", kJsonFlags, {}},
    {"start",
     "",
     0,
     0,
     false,
     Performer::kHere,
     "start the daemon",
     "Nobody needs to: whatever needs the daemon starts it.\n",
     {},
     {}},
    {"stop", "", 0, 0, false, Performer::kRunningDaemon, "let the daemon finish what it does, and end", "", {}, {}},
    {"server",
     "ARGS...",
     0,
     0,
     true,
     Performer::kHere,
     "run smelt-server: the team's cache",
     "Runs the smelt-server beside this program; smelt server --help says what it can do.\n",
     {},
     {}},
    {"dist-status",
     "ARGS...",
     0,
     0,
     true,
     Performer::kHere,
     "what a server is doing: smelt dist-status --server ENDPOINT",
     "Runs smelt-server status ARGS...\n",
     {},
     {}},
    {"completion",
     "SHELL",
     1,
     1,
     false,
     Performer::kHere,
     "print the completion script for bash, zsh or fish",
     "bash: smelt completion bash > ~/.local/share/bash-completion/completions/smelt\n"
     "zsh:  smelt completion zsh > DIR/_smelt, where DIR is in $fpath\n"
     "fish: smelt completion fish > ~/.config/fish/completions/smelt.fish\n",
     {},
     kShells},
    {"help", "[COMMAND]", 0, 1, false, Performer::kHere, "print this, or all about a command", "", {}, {}},
};

std::string Padded(std::string_view text, std::size_t width) {
  std::string padded(text);
  padded.resize(std::max(width, text.size() + 2), ' ');
  return padded;
}

std::string Usage(const CommandRow& command) {
  std::string usage = "smelt " + std::string(command.name);
  for (const Flag& flag : command.flags) usage += " [" + std::string(flag.name) + "]";
  if (!command.operands.empty()) usage += " " + std::string(command.operands);
  return usage;
}

int EditDistance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    int diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      int cost = std::min({row[j] + 1, row[j + 1] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = std::exchange(row[j + 1], cost);
    }
  }
  return row.back();
}

}  // namespace

std::span<const CommandRow> Commands() { return kCommands; }

const CommandRow* FindCommand(std::string_view name) {
  for (const CommandRow& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

std::string Help() {
  std::string help =
      "smelt keeps what rustc has compiled, and never compiles it again: not in this checkout, not in another one.\n"
      "\n"
      "Use it from cargo in one of these ways:\n"
      "  smelt init                          for every build of this user\n"
      "  smelt cargo build                   for one build\n"
      "  RUSTC_WRAPPER=$(which smelt) cargo build\n"
      "\n"
      "Commands:\n";
  for (const CommandRow& command : kCommands) {
    help += "  " + Padded(command.name, 12) + std::string(command.summary) + "\n";
  }
  help +=
      "\n"
      "Options:\n"
      "  -h, --help  print this; after a command, all about it\n"
      "  -V, --version\n"
      "              print the version\n"
      "\n"
      "Environment:\n"
      "  SMELT_DIR         where the cache and the daemon's log are (default: ~/.cache/smelt)\n"
      "  SMELT_DISABLE=1   compile as if there were no smelt\n"
      "  SMELT_NO_START=1  do not start a daemon; compile as if there were no smelt where none runs\n";
  return help;
}

std::string HelpOn(const CommandRow& command) {
  std::string help = Usage(command) + "\n  " + std::string(command.summary) + "\n";
  if (!command.details.empty()) help += "\n" + std::string(command.details);
  if (!command.flags.empty()) help += "\n";
  for (const Flag& flag : command.flags) help += "  " + Padded(flag.name, 12) + std::string(flag.summary) + "\n";
  return help;
}

std::string_view Nearest(std::string_view name, const std::vector<std::string_view>& names) {
  int best = static_cast<int>(std::max<std::size_t>(name.size(), 3)) / 2 + 1;
  std::string_view nearest;
  for (std::string_view candidate : names) {
    int distance = EditDistance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace smelt::wrapper
