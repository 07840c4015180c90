"""The one macro file: every target of ours is made by one of these, so that options change in one place."""

WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wshadow=local",
    "-Wnon-virtual-dtor",
    "-Wno-unused-parameter",
    "-Wno-missing-field-initializers",
    # GCC 12 sees dangling and uninitialised things in std::variant and absl::StatusOr that are not there.
    "-Wno-maybe-uninitialized",
    "-Wno-restrict",
]

def smelt_cc_library(name, copts = [], **kwargs):
    native.cc_library(name = name, copts = WARNINGS + copts, **kwargs)

def smelt_cc_binary(name, copts = [], **kwargs):
    native.cc_binary(name = name, copts = WARNINGS + copts, **kwargs)

def smelt_cc_test(name, deps = [], size = "small", copts = [], **kwargs):
    """A GoogleTest beside its source; main comes with //third_party:gtest."""
    native.cc_test(
        name = name,
        size = size,
        copts = WARNINGS + copts,
        deps = deps + ["//third_party:gtest"],
        **kwargs
    )

def smelt_cc_fuzz(name, srcs, deps = [], corpus = [], **kwargs):
    """A fuzzer: the file defines LLVMFuzzerTestOneInput.

    As a test it runs the corpus and a bounded number of seeded mutations of it, under any compiler. Built with clang
    and -fsanitize=fuzzer it is a libFuzzer target (docs/contributing says how).
    """
    native.cc_test(
        name = name,
        size = "small",
        srcs = srcs,
        copts = WARNINGS,
        data = corpus,
        deps = deps + ["//src/testing:fuzz_main"],
        tags = ["fuzz"],
        **kwargs
    )

def smelt_cc_proto_library(name, src, deps = [], **kwargs):
    """C++ messages of one .proto file under //protos, by Debian's protoc."""
    stem = src[:-len(".proto")]
    native.genrule(
        name = name + "_gen",
        srcs = [src] + [d + "_proto" for d in deps],
        outs = [stem + ".pb.cc", stem + ".pb.h"],
        cmd = "protoc --proto_path=protos --proto_path=/usr/include --cpp_out=$(GENDIR)/protos $(location %s)" % src,
    )
    native.filegroup(
        name = name + "_proto",
        srcs = [src] + [d + "_proto" for d in deps],
    )
    native.cc_library(
        name = name,
        srcs = [stem + ".pb.cc"],
        hdrs = [stem + ".pb.h"],
        copts = ["-w"],
        # Includes are written as the .proto files' own imports are.
        includes = ["."],
        deps = deps + ["//third_party:protobuf"],
        **kwargs
    )

def smelt_cc_grpc_library(name, src, proto, deps = [], **kwargs):
    """The gRPC stubs of one .proto file whose messages are `proto`."""
    stem = src[:-len(".proto")]
    native.genrule(
        name = name + "_gen",
        srcs = [proto + "_proto"],
        outs = [stem + ".grpc.pb.cc", stem + ".grpc.pb.h"],
        cmd = "protoc --proto_path=protos --proto_path=/usr/include " +
              "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin --grpc_out=$(GENDIR)/protos protos/%s" % src,
    )
    native.cc_library(
        name = name,
        srcs = [stem + ".grpc.pb.cc"],
        hdrs = [stem + ".grpc.pb.h"],
        copts = ["-w"],
        includes = ["."],
        deps = deps + [proto, "//third_party:grpc"],
        **kwargs
    )

def smelt_py_test(name, srcs, data = [], **kwargs):
    """Python's unittest over the files of `srcs` named *_test.py; Debian's Bazel has no rules for Python."""
    native.sh_test(
        name = name,
        size = "small",
        srcs = ["//tools:python_test.sh"],
        args = [s for s in srcs if s.endswith("_test.py")],
        data = srcs + data,
        **kwargs
    )
