#include "tools/bench/server/streams.h"

#include <sys/resource.h>

#include <atomic>
#include <barrier>
#include <mutex>
#include <thread>

#include "fmt/format.h"
#include "google/bytestream/bytestream.grpc.pb.h"
#include "src/base/processor_frequency.h"

namespace smelt::bench {
namespace {

using google::bytestream::ByteStream;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMessageBytes = 1 << 20;
constexpr std::int64_t kSlowBytes = 8 << 20;

double SecondsSince(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

std::string Write(ByteStream::Stub& stub, const Blob& blob, std::uint64_t unique) {
  grpc::ClientContext context;
  google::bytestream::WriteResponse response;
  auto writer = stub.Write(&context, &response);
  google::bytestream::WriteRequest request;
  request.set_resource_name(fmt::format("uploads/{:08x}-0000-4000-8000-{:012x}/blobs/{}", unique >> 32,
                                        unique & 0xffffffff, blob.digest.ToString()));
  for (std::size_t at = 0; at < blob.bytes.size() || at == 0; at += kMessageBytes) {
    request.set_write_offset(static_cast<std::int64_t>(at));
    request.set_data(blob.bytes.substr(at, kMessageBytes));
    request.set_finish_write(at + kMessageBytes >= blob.bytes.size());
    if (!writer->Write(request)) break;
    request.clear_resource_name();
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (!status.ok()) return status.error_message();
  return response.committed_size() == blob.digest.size ? "" : "committed another size";
}

std::string Read(ByteStream::Stub& stub, const Digest& digest, const std::function<void()>& began) {
  grpc::ClientContext context;
  google::bytestream::ReadRequest request;
  request.set_resource_name("blobs/" + digest.ToString());
  auto reader = stub.Read(&context, request);
  google::bytestream::ReadResponse response;
  std::int64_t bytes = 0;
  while (reader->Read(&response)) {
    if (bytes == 0 && began) began();
    bytes += static_cast<std::int64_t>(response.data().size());
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return status.error_message();
  return bytes == digest.size ? "" : "another size came";
}

// Calls `one` for 0 .. calls - 1 from `threads` threads.
using One = std::function<std::string(int call, std::int64_t& bytes)>;
Sample InThreads(int calls, int threads, const One& one) {
  Sample sample;
  std::mutex mu;
  std::atomic<int> next = 0;
  const auto begin = Clock::now();
  const double cpu = CpuSeconds();
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&] {
      for (int call = next++; call < calls; call = next++) {
        const auto started = Clock::now();
        std::int64_t bytes = 0;
        const std::string failure = one(call, bytes);
        const std::lock_guard<std::mutex> lock(mu);
        if (failure.empty()) {
          sample.seconds.push_back(SecondsSince(started));
          ++sample.items;
          sample.bytes += bytes;
        } else if (sample.failures++ == 0) {
          sample.first_failure = failure;
        }
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  sample.wall = SecondsSince(begin);
  sample.cpu = CpuSeconds() - cpu;
  return sample;
}

std::vector<std::unique_ptr<ByteStream::Stub>> Stubs(const LoadOptions& options, int connections) {
  std::vector<std::unique_ptr<ByteStream::Stub>> stubs;
  for (int i = 0; i < connections; ++i) stubs.push_back(ByteStream::NewStub(NewChannel(options.target)));
  return stubs;
}

Blob LargeBlob(const LoadOptions& options, int stream) {
  return BlobOf(options.large_bytes, 1000 + static_cast<std::uint64_t>(stream));
}

}  // namespace

double CpuSeconds() {
  rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::shared_ptr<grpc::Channel> NewChannel(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // What the load does not need, and would pay for with the server's processor.
  arguments.SetInt(GRPC_ARG_MINIMAL_STACK, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  LookUpProcessorFrequency();
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

Sample WriteStreams(const LoadOptions& options, const std::vector<Blob>& blobs) {
  const auto stubs = Stubs(options, 4);
  return InThreads(static_cast<int>(blobs.size()), options.concurrency, [&](int call, std::int64_t& bytes) {
    const auto i = static_cast<std::size_t>(call);
    bytes = blobs[i].digest.size;
    return Write(*stubs[i % stubs.size()], blobs[i], i);
  });
}

Sample ReadStreams(const LoadOptions& options, const std::vector<Blob>& blobs) {
  const auto stubs = Stubs(options, 4);
  return InThreads(static_cast<int>(blobs.size()), options.concurrency, [&](int call, std::int64_t& bytes) {
    const auto i = static_cast<std::size_t>(call);
    bytes = blobs[i].digest.size;
    return Read(*stubs[i % stubs.size()], blobs[i].digest, nullptr);
  });
}

Sample WriteLarge(const LoadOptions& options) {
  std::vector<Blob> blobs;
  for (int i = 0; i < options.large_streams; ++i) blobs.push_back(LargeBlob(options, i));
  const auto stubs = Stubs(options, options.large_streams);
  return InThreads(options.large_streams, options.large_streams, [&](int call, std::int64_t& bytes) {
    const auto i = static_cast<std::size_t>(call);
    bytes = blobs[i].digest.size;
    return Write(*stubs[i], blobs[i], (std::uint64_t{1} << 40) + i);
  });
}

Sample ReadLarge(const LoadOptions& options) {
  std::vector<Digest> digests;
  for (int i = 0; i < options.large_streams; ++i) digests.push_back(LargeBlob(options, i).digest);
  const auto stubs = Stubs(options, options.large_streams);
  return InThreads(options.large_streams, options.large_streams, [&](int call, std::int64_t& bytes) {
    bytes = digests[static_cast<std::size_t>(call)].size;
    return Read(*stubs[static_cast<std::size_t>(call)], digests[static_cast<std::size_t>(call)], nullptr);
  });
}

Sample ReadSlowly(const LoadOptions& options) {
  const Blob blob = BlobOf(kSlowBytes, 77);
  const auto stubs = Stubs(options, 10);
  if (const std::string failure = Write(*stubs[0], blob, std::uint64_t{1} << 41); !failure.empty()) {
    return {.failures = 1, .first_failure = failure};
  }
  std::barrier all_begun(options.slow_streams);
  return InThreads(options.slow_streams, options.slow_streams, [&](int call, std::int64_t& bytes) {
    bytes = blob.digest.size;
    bool waited = false;
    const std::string failure = Read(*stubs[static_cast<std::size_t>(call) % stubs.size()], blob.digest, [&] {
      waited = true;
      all_begun.arrive_and_wait();
    });
    if (!waited) all_begun.arrive_and_drop();
    return failure;
  });
}

}  // namespace smelt::bench
