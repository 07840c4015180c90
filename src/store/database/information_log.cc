#include "src/store/database/information_log.h"

#include <glog/logging.h>

#include <cstdio>

namespace smelt {

void InformationLog::Logv(const char* format, va_list arguments) {
  char text[1000];
  if (std::vsnprintf(text, sizeof(text), format, arguments) < 0) return;
  LOG_EVERY_T(WARNING, 1) << "RocksDB: " << text;
}

}  // namespace smelt
