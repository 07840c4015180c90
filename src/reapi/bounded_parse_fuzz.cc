#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "google/protobuf/io/coded_stream.h"
#include "src/reapi/bounded_parse.h"

namespace {

namespace v2 = build::bazel::remote::execution::v2;

// As if it were large enough to be looked at.
absl::Status CheckAll(const std::string& bytes, const google::protobuf::Descriptor& type) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  return smelt::reapi::CheckFields(in, 1 << 20, type);
}

template <typename Message>
void Check(const std::string& bytes) {
  const absl::Status checked = CheckAll(bytes, *Message::descriptor());
  if (!checked.ok() && !absl::IsInvalidArgument(checked)) std::abort();
  Message message;
  if (!message.ParseFromString(bytes)) return;
  message.DiscardUnknownFields();  // which may be groups
  if (!CheckAll(message.SerializeAsString(), *Message::descriptor()).ok()) std::abort();
}

}  // namespace

// Whatever is a message is one for who counts its fields, too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  Check<v2::ActionResult>(bytes);
  Check<v2::Directory>(bytes);
  Check<v2::Tree>(bytes);
  Check<v2::BatchUpdateBlobsRequest>(bytes);
  return 0;
}
