#ifndef SMELT_CONFIG_NAMED_FILE_H_
#define SMELT_CONFIG_NAMED_FILE_H_

#include <string>

namespace smelt {

// A file that a configuration names, and where it does: for errors about the file itself.
struct NamedFile {
  enum class Holds {
    kCertificate,  // PEM: the server's, with its chain
    kKey,          // PEM: that certificate's
    kAuthorities,  // PEM: certificates that others are verified with
    kIssuerKeys,   // JSON: a key set, for tokens
  };

  Holds holds;
  std::string path;
  std::string place;  // "server.toml:3: tls.key"
  unsigned line;
};

}  // namespace smelt

#endif  // SMELT_CONFIG_NAMED_FILE_H_
