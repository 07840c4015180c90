#include "src/base/processor_frequency.h"

#include "absl/base/internal/sysinfo.h"

namespace smelt {

void LookUpProcessorFrequency() { absl::base_internal::NominalCPUFrequency(); }

}  // namespace smelt
