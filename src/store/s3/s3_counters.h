#ifndef SMELT_STORE_S3_S3_COUNTERS_H_
#define SMELT_STORE_S3_S3_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace smelt {

// What a bucket is asked. The names are for metrics.
enum class S3Operation {
  kPut,
  kGet,
  kList,
  kDelete,
  kCreateMultipart,
  kUploadPart,
  kCompleteMultipart,
  kAbortMultipart
};

inline constexpr std::array<std::string_view, 8> kS3OperationNames = {
    "put", "get", "list", "delete", "create_multipart", "upload_part", "complete_multipart", "abort_multipart"};

// Requests and bytes since the start: what a provider bills. Read and written without locks.
struct S3Counters {
  struct OfOperation {
    std::atomic<std::int64_t> requests{0};  // sent, each try counted
    std::atomic<std::int64_t> retries{0};   // those of them that were a second try or later
    std::atomic<std::int64_t> failures{0};  // answers other than 2xx and 404, and none
    std::atomic<std::int64_t> bytes_sent{0};
    std::atomic<std::int64_t> bytes_received{0};
  };

  std::array<OfOperation, kS3OperationNames.size()> operations;
  std::atomic<std::int64_t> refused_by_breaker{0};  // calls that failed at once
  std::atomic<bool> breaker_open{false};            // the bucket is taken to be down

  OfOperation& Of(S3Operation operation) { return operations[static_cast<std::size_t>(operation)]; }
  const OfOperation& Of(S3Operation operation) const { return operations[static_cast<std::size_t>(operation)]; }
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_S3_COUNTERS_H_
