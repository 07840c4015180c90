#ifndef SMELT_SERVICES_LIMITS_H_
#define SMELT_SERVICES_LIMITS_H_

#include <cstdint>

#include "src/reapi/bounded_parse.h"

namespace smelt {

// What a server takes. Every limit is tested at its value and one beyond it.
struct Limits {
  std::int64_t message_bytes_max = 8 << 20;     // that is received: 100,000 digests are 7.4 MB
  std::int64_t received_bytes_max = 4LL << 30;  // of messages, whole or not, of all connections together
  std::int64_t batch_bytes_max = 4'000'000;     // of blobs in one BatchUpdateBlobs or BatchReadBlobs; advertised
  std::int64_t blob_bytes_max = 64LL << 30;     // of one blob; advertised
  std::int64_t digests_max = 100'000;           // in one FindMissingBlobs
  std::int64_t read_message_bytes = 128 << 10;  // of one ReadResponse; one is in memory for each reader, however slow
  std::int64_t read_message_bytes_max = 512 << 10;         // of one while little memory is held: they cost less
  std::int64_t result_bytes_max = reapi::kResultBytesMax;  // of an ActionResult that is put
  std::int64_t inline_bytes_max = 1 << 20;                 // of stdout, stderr and files inside one ActionResult
  std::int64_t tree_directories_max = 1'000'000;           // of one GetTree
  std::int64_t tree_bytes_max = 64 << 20;                  // of its Directory messages
  int tree_depth_max = 128;
  int streams_per_connection_max = 256;
  std::int64_t idle_seconds = 60;                   // after which a stream on which nothing moves is ended
  std::int64_t memory_bytes = 256 << 20;            // of blobs held for all calls together
  std::int64_t staged_in_memory_bytes = 256 << 10;  // uploads up to this size are not staged in a file
  std::int64_t partial_uploads_max = 256;           // broken off, kept for being resumed
  std::int64_t partial_bytes_max = 4LL << 30;       // of all of them
  std::int64_t partial_seconds = 600;               // how long
  std::int64_t staged_files_max = INT64_MAX;        // of uploads, under way or broken off
  std::int64_t staged_bytes_max = INT64_MAX;        // of all these files together
  std::int64_t staging_free_bytes_min = 0;          // what they leave free on the disk
  int read_threads = 32;                            // calls that wait for the store at once
  int write_threads = 128;                          // so many share one sync
};

}  // namespace smelt

#endif  // SMELT_SERVICES_LIMITS_H_
