#ifndef SMELT_SERVICES_BYTE_STREAM_SERVICE_H_
#define SMELT_SERVICES_BYTE_STREAM_SERVICE_H_

#include <memory>

#include "src/services/service_parts.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace smelt {

// google.bytestream.ByteStream over blobs of any size, by the names of reapi/resource_name.h.
//
// Read: messages of at most Limits::read_message_bytes_max. With zstd, offsets are of the uncompressed blob, and each
// message is a frame of its own.
// Write: succeeds at once if the blob is there (committed_size is then the blob's size, and -1 with zstd). What arrives
// is staged, and published by BlobStore::Put when it is whole: partial blobs are never seen. An upload that breaks off
// can be resumed at the offset that QueryWriteStatus gives, by its name; offset 0 always begins anew. Any number of
// uploads of one blob, also of one name, may run at once, and each succeeds.
// QueryWriteStatus: of an upload that nobody knows, 0 bytes.
std::unique_ptr<grpc::Service> NewByteStreamService(const ServiceParts& parts);

}  // namespace smelt

#endif  // SMELT_SERVICES_BYTE_STREAM_SERVICE_H_
