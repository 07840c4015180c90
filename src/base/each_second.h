#ifndef SMELT_BASE_EACH_SECOND_H_
#define SMELT_BASE_EACH_SECOND_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace smelt {

// Calls a function each second, on a thread of its own, until it goes; its destructor waits for a call under way.
class EachSecond {
 public:
  explicit EachSecond(std::function<void()> call);
  ~EachSecond();
  EachSecond(const EachSecond&) = delete;
  EachSecond& operator=(const EachSecond&) = delete;

 private:
  void Run();

  const std::function<void()> call_;
  std::mutex mu_;
  std::condition_variable wake_;
  bool ending_ = false;  // guarded by mu_
  std::thread thread_;
};

}  // namespace smelt

#endif  // SMELT_BASE_EACH_SECOND_H_
