// Two objects for observer_test.cc to load: with SMELT_WALK it can iterate over the environment, without it only asks.

#include <cstdlib>

extern "C" char** environ;

extern "C" __attribute__((visibility("default"))) const char* Ask() {
#ifdef SMELT_WALK
  if (environ == nullptr) return "no environment";
#endif
  const char* value = std::getenv("ASKED_BY_OBJECT");
  return value == nullptr ? nullptr : "a value";
}
