#include "src/wrapper/completion.h"

#include <vector>

#include "src/wrapper/command_table.h"

namespace smelt::wrapper {
namespace {

std::string Joined(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) joined += (joined.empty() ? "" : " ") + word;
  return joined;
}

std::vector<std::string> CommandNames() {
  std::vector<std::string> names;
  for (const CommandRow& command : Commands()) names.emplace_back(command.name);
  return names;
}

// The words that may follow a command: its flags, and the values of its operand where they are known.
std::vector<std::string> WordsAfter(const CommandRow& command) {
  std::vector<std::string> words;
  for (const Flag& flag : command.flags) words.emplace_back(flag.name);
  for (std::string_view choice : command.choices) words.emplace_back(choice);
  if (command.name == "help") words = CommandNames();
  if (!command.takes_anything) words.push_back("--help");
  return words;
}

// In single quotes, as sh, zsh and fish read them; fish and sh differ only in what is not in our texts.
std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// A description of zsh's _describe: ':' separates.
std::string Described(std::string_view name, std::string_view summary) {
  std::string described(name);
  described += ':';
  for (char c : summary) described += c == ':' ? std::string("\\:") : std::string(1, c);
  return Quoted(described);
}

std::string BashScript() {
  std::string script =
      "# Completion of smelt for bash.\n"
      "_smelt() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} words=\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    words='" +
      Joined(CommandNames()) +
      " --help --version'\n"
      "  else\n"
      "    case ${COMP_WORDS[1]} in\n";
  for (const CommandRow& command : Commands()) {
    script += "      " + std::string(command.name) + ") ";
    script += command.takes_anything ? "declare -F _command_offset >/dev/null && _command_offset 1; return ;;\n"
                                     : "words='" + Joined(WordsAfter(command)) + "' ;;\n";
  }
  script +=
      "    esac\n"
      "  fi\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}\n"
      "complete -F _smelt smelt\n";
  return script;
}

std::string ZshScript() {
  std::string script =
      "#compdef smelt\n"
      "# Completion of smelt for zsh.\n"
      "_smelt() {\n"
      "  local -a words_after\n"
      "  if ((CURRENT == 2)); then\n"
      "    words_after=(\n";
  for (const CommandRow& command : Commands()) script += "      " + Described(command.name, command.summary) + "\n";
  script +=
      "      '--help:print help' '--version:print the version'\n"
      "    )\n"
      "  else\n"
      "    case $words[2] in\n";
  for (const CommandRow& command : Commands()) {
    script += "      " + std::string(command.name) + ") ";
    if (command.takes_anything) {
      script += "shift words; ((CURRENT--)); _normal; return ;;\n";
      continue;
    }
    script += "words_after=(";
    for (const Flag& flag : command.flags) script += Described(flag.name, flag.summary) + " ";
    for (std::size_t i = command.flags.size(); i < WordsAfter(command).size(); ++i) {
      script += Quoted(WordsAfter(command)[i]) + " ";
    }
    script += ") ;;\n";
  }
  script +=
      "    esac\n"
      "  fi\n"
      "  _describe 'smelt' words_after\n"
      "}\n"
      "if [[ $funcstack[1] == _smelt ]]; then _smelt \"$@\"; else compdef _smelt smelt; fi\n";
  return script;
}

std::string FishScript() {
  std::string script =
      "# Completion of smelt for fish.\n"
      "complete -c smelt -f\n"
      "complete -c smelt -n __fish_use_subcommand -s h -l help -d 'print help'\n"
      "complete -c smelt -n __fish_use_subcommand -s V -l version -d 'print the version'\n";
  for (const CommandRow& command : Commands()) {
    std::string name(command.name);
    script += "complete -c smelt -n __fish_use_subcommand -a " + name + " -d " + Quoted(command.summary) + "\n";
    std::string after = "complete -c smelt -n '__fish_seen_subcommand_from " + name + "' ";
    if (command.takes_anything) script += after + "-x -a '(__fish_complete_subcommand --fcs-skip=1)'\n";
    for (const Flag& flag : command.flags) {
      script += after + "-l " + std::string(flag.name.substr(2)) + " -d " + Quoted(flag.summary) + "\n";
    }
    for (std::size_t i = command.flags.size(); i < WordsAfter(command).size(); ++i) {
      script += after + "-a " + Quoted(WordsAfter(command)[i]) + "\n";
    }
  }
  return script;
}

}  // namespace

std::string CompletionScript(std::string_view shell) {
  if (shell == "bash") return BashScript();
  if (shell == "zsh") return ZshScript();
  if (shell == "fish") return FishScript();
  return {};
}

}  // namespace smelt::wrapper
