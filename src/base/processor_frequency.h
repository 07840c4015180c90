#ifndef SMELT_BASE_PROCESSOR_FREQUENCY_H_
#define SMELT_BASE_PROCESSOR_FREQUENCY_H_

namespace smelt {

// To be called before a process makes its first channel of gRPC. absl looks up the processor's frequency the first time
// that a lock of its own is fought for, and opens a file of /sys for it that is often not there; gRPC 1.51 reads errno
// some calls and locks after its connect(2). If the one falls between the other two, a connection that is being made
// counts as failed: "failed to connect to all addresses; ... No such file or directory". Thread-safe.
void LookUpProcessorFrequency();

}  // namespace smelt

#endif  // SMELT_BASE_PROCESSOR_FREQUENCY_H_
