// FakeS3 as a program, for tests that run other programs: prints "listening on port N", serves the bucket "bucket", and
// keeps it in memory. SIGUSR1: every request is answered with 503 from now on. SIGUSR2: as usual again.
#include <signal.h>

#include <cstdio>
#include <string>

#include "src/testing/s3/fake_s3.h"

int main() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal_number : {SIGUSR1, SIGUSR2, SIGTERM, SIGINT}) sigaddset(&signals, signal_number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // the server's threads inherit it
  smelt::FakeS3 bucket;
  const std::string address = bucket.Address();
  std::printf("listening on port %s\n", address.substr(address.rfind(':') + 1).c_str());
  std::fflush(stdout);
  for (int signal_number = 0; sigwait(&signals, &signal_number) == 0;) {
    if (signal_number == SIGUSR1) bucket.AnswerAll(smelt::ServedAnswer{.status = 503});
    if (signal_number == SIGUSR2) bucket.AnswerAll({});
    if (signal_number == SIGTERM || signal_number == SIGINT) return 0;
  }
}
