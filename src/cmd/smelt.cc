// The program that cargo runs for every compile, and the command line.

#include <string>
#include <vector>

#include "src/wrapper/commands.h"
#include "src/wrapper/session.h"
#include "src/wrapper/wrapper_call.h"

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (smelt::wrapper::IsWrapperCall(arguments)) return smelt::wrapper::Wrap(arguments);
  return smelt::wrapper::RunCommandLine(arguments);
}
