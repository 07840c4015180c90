#include "src/daemon/team/stand_in.h"

#include "src/reapi/digests.h"
#include "src/reapi/node_properties.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

constexpr char kWhole[] = "smelt.whole";

}  // namespace

void StandIn(v2::OutputFile& file, std::string_view suffix, const Digest& part, const Digest& whole) {
  file.mutable_path()->append(suffix);
  *file.mutable_digest() = reapi::ToProto(part);
  reapi::AddProperty(file, kWhole, whole.ToString());
}

absl::StatusOr<Digest> WholeOf(const v2::OutputFile& file) { return Digest::Parse(reapi::PropertyOf(file, kWhole)); }

void Restore(v2::OutputFile& file, std::string_view suffix, const Digest& whole) {
  file.mutable_path()->resize(file.path().size() - suffix.size());
  *file.mutable_digest() = reapi::ToProto(whole);
  file.clear_node_properties();
}

}  // namespace smelt
