#ifndef SMELT_WRAPPER_INIT_H_
#define SMELT_WRAPPER_INIT_H_

#include <string>

namespace smelt::wrapper {

// A configuration file of cargo that is larger is not believed to be one, in bytes.
inline constexpr std::size_t kCargoConfigBytesMax = 1 << 20;

struct InitOptions {
  bool check = false;
  bool global = false;
  bool local = false;
  bool force = false;
  std::string wrapper;  // what cargo is to run: our own absolute path
};

// `smelt init`: returns the status to exit with, and says on stdout what was done, on stderr what is wrong.
//
// The file is replaced as a whole (written beside it, synced, renamed), so that it is never half written; a symbolic
// link to it stays one. Where cargo finds both `config` and `config.toml`, it reads `config`, and so does this.
int Init(const InitOptions& options);

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_INIT_H_
