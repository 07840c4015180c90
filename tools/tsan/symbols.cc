// Before ThreadSanitizer looks whether a report is suppressed it finds out the names of what is in it. The first time
// it opens the files of symbols of every library, most of which are not there, and leaves that in errno. Where that
// happens in gRPC between its connect(2) and its look at errno, the connection counts as failed ("No such file or
// directory"). So they are opened before main.

#include <sanitizer/common_interface_defs.h>

namespace {

[[gnu::constructor]] void OpenSymbols() {
  char name[64];
  __sanitizer_symbolize_pc(reinterpret_cast<void*>(&OpenSymbols), "%f", name, sizeof(name));
}

}  // namespace
