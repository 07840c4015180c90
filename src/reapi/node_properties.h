#ifndef SMELT_REAPI_NODE_PROPERTIES_H_
#define SMELT_REAPI_NODE_PROPERTIES_H_

#include <string>
#include <string_view>

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"

namespace smelt::reapi {

namespace v2 = build::bazel::remote::execution::v2;

// Adds the node property `name` to `file`, behind those that it has.
void AddProperty(v2::OutputFile& file, std::string_view name, std::string value);

// The first such property's value; empty if there is none. As long as `file` stays as it is.
std::string_view PropertyOf(const v2::OutputFile& file, std::string_view name);

}  // namespace smelt::reapi

#endif  // SMELT_REAPI_NODE_PROPERTIES_H_
