#ifndef SMELT_TOOLS_BENCH_SERVER_UNARY_LOAD_H_
#define SMELT_TOOLS_BENCH_SERVER_UNARY_LOAD_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace smelt::bench {

// What a phase came to.
struct Sample {
  std::vector<double> seconds;  // of each call that succeeded
  std::int64_t items = 0;       // blobs, digests or results that the calls were about
  std::int64_t bytes = 0;       // of blobs
  std::int64_t failures = 0;
  std::string first_failure;
  double wall = 0;  // seconds from the first call to the last answer
  double cpu = 0;   // seconds of CPU time that this process took meanwhile
};

// Seconds of CPU time that this process has taken.
double CpuSeconds();

// Calls one unary method `calls` times with `concurrency` calls under way at any moment, from one thread: a completion
// queue costs the client the least, which shares the machine with the server.
template <typename Request, typename Response>
class UnaryLoad {
 public:
  using Reader = std::unique_ptr<grpc::ClientAsyncResponseReader<Response>>;
  using Prepare = std::function<Reader(grpc::ClientContext*, const Request&, grpc::CompletionQueue*)>;
  // The request of call number `i`, and what its answer was worth: items and bytes, or why it is a failure.
  using Make = std::function<void(int i, Request& request)>;
  using Judge = std::function<std::string(int i, const Request&, const Response&, Sample& sample)>;

  UnaryLoad(Prepare prepare, Make make, Judge judge)
      : prepare_(std::move(prepare)), make_(std::move(make)), judge_(std::move(judge)) {}

  Sample Run(int calls, int concurrency) {
    const auto begin = Clock::now();
    const double cpu = CpuSeconds();
    slots_ = std::vector<Slot>(static_cast<std::size_t>(std::min(calls, concurrency)));
    int started = 0, under_way = 0;
    for (Slot& slot : slots_) Start(slot, started++), ++under_way;
    void* tag;
    bool ok;
    while (under_way > 0 && queue_.Next(&tag, &ok)) {
      Slot& slot = *static_cast<Slot*>(tag);
      Finish(slot);
      --under_way;
      if (started < calls) Start(slot, started++), ++under_way;
    }
    sample_.wall = std::chrono::duration<double>(Clock::now() - begin).count();
    sample_.cpu = CpuSeconds() - cpu;
    return std::move(sample_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Slot {
    int call = 0;
    Clock::time_point begin;
    Request request;
    Response response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientContext> context;
    Reader reader;
  };

  void Start(Slot& slot, int call) {
    slot.call = call;
    slot.request.Clear();
    make_(call, slot.request);
    slot.context = std::make_unique<grpc::ClientContext>();
    slot.begin = Clock::now();
    slot.reader = prepare_(slot.context.get(), slot.request, &queue_);
    slot.reader->StartCall();
    slot.reader->Finish(&slot.response, &slot.status, &slot);
  }

  void Finish(Slot& slot) {
    const double seconds = std::chrono::duration<double>(Clock::now() - slot.begin).count();
    std::string failure = slot.status.ok()
                              ? judge_(slot.call, slot.request, slot.response, sample_)
                              : slot.status.error_message() + " (" + std::to_string(slot.status.error_code()) + ")";
    if (failure.empty()) {
      sample_.seconds.push_back(seconds);
      return;
    }
    if (sample_.failures++ == 0) sample_.first_failure = failure;
  }

  const Prepare prepare_;
  const Make make_;
  const Judge judge_;
  grpc::CompletionQueue queue_;
  std::vector<Slot> slots_;
  Sample sample_;
};

}  // namespace smelt::bench

#endif  // SMELT_TOOLS_BENCH_SERVER_UNARY_LOAD_H_
