#ifndef SMELT_STORE_REMOTE_REMOTE_OPTIONS_H_
#define SMELT_STORE_REMOTE_REMOTE_OPTIONS_H_

#include <cstdint>
#include <string>

namespace smelt {

// Where a REAPI server is and how it is spoken to.
struct RemoteOptions {
  enum class Compression {
    kAuto,  // zstd where the server offers it and the link is slower than compressing: see LinkEstimate
    kZstd,
    kNone,
  };

  std::string endpoint;  // "grpc://host:port", "grpcs://host:port" (TLS), "host:port" (as grpc://)
  std::string instance;

  // At most one of these; sent as "authorization: Bearer ...", never written anywhere. Over grpc:// only to loopback.
  std::string token;
  std::string token_file;     // read again when it is a minute old, or was refused
  std::string token_command;  // run by /bin/sh, as rarely; its first line of output

  std::string ca_file;                  // PEM; empty: the system's
  std::string client_cert, client_key;  // PEM files; both or none

  Compression compression = Compression::kAuto;
  std::int64_t timeout_seconds = 10;  // of a call, beside what its bytes need at 256 KiB/s
  std::string staging_directory;      // for large blobs on their way; a directory that exists
};

}  // namespace smelt

#endif  // SMELT_STORE_REMOTE_REMOTE_OPTIONS_H_
