// What ThreadSanitizer is told about Debian's libraries, which are not instrumented: it sees what they hand to libc
// (memcpy, free, read), but not the atomics by which they order it. What they call of ours is still looked at: they
// leave no frames of their own on its stacks.

extern "C" const char* __tsan_default_suppressions() {
  return R"(
# RocksDB copies rows into its memtable and publishes them by an atomic; ours read them there, under an iterator.
race:librocksdb.so
race:smelt::StoreDatabase::ForEach
# gRPC hands calls and slices between its threads by atomics.
race:libgrpc.so
race:libgrpc++.so
race:libgpr.so
# Reference counts of strings, and descriptors that are made once.
race:libprotobuf.so
race:libglog.so
race:libabsl_
)";
}
