#include "src/reapi/node_properties.h"

#include <utility>

namespace smelt::reapi {

void AddProperty(v2::OutputFile& file, std::string_view name, std::string value) {
  v2::NodeProperty& property = *file.mutable_node_properties()->add_properties();
  property.set_name(std::string(name));
  property.set_value(std::move(value));
}

std::string_view PropertyOf(const v2::OutputFile& file, std::string_view name) {
  for (const v2::NodeProperty& property : file.node_properties().properties()) {
    if (property.name() == name) return property.value();
  }
  return {};
}

}  // namespace smelt::reapi
