package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/klauspost/compress/zstd"
	bspb "google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// client is the stubs of one connection, and what the checks share. Blobs are made on one goroutine; all else is safe
// on any.
type client struct {
	instance     string
	capabilities repb.CapabilitiesClient
	cas          repb.ContentAddressableStorageClient
	actions      repb.ActionCacheClient
	streams      bspb.ByteStreamClient
	random       *rand.ChaCha8
	encoder      *zstd.Encoder
	decoder      *zstd.Decoder
	batchBytes   int64 // what the server advertises; 0 for no limit
}

func newClient(connection *grpc.ClientConn, instance string, seed uint64) *client {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	encoder, _ := zstd.NewWriter(nil) // without options neither fails
	decoder, _ := zstd.NewReader(nil)
	return &client{
		instance:     instance,
		capabilities: repb.NewCapabilitiesClient(connection),
		cas:          repb.NewContentAddressableStorageClient(connection),
		actions:      repb.NewActionCacheClient(connection),
		streams:      bspb.NewByteStreamClient(connection),
		random:       rand.NewChaCha8(key),
		encoder:      encoder,
		decoder:      decoder,
	}
}

// blob is a new one of that size, which compresses to about half.
func (c *client) blob(size int) []byte {
	data := bytes.Repeat([]byte("smelt."), size/6+1)[:size]
	c.random.Read(data[:min(size, size/2+16)])
	return data
}

func digestOf(data []byte) *repb.Digest {
	sum := sha256.Sum256(data)
	return &repb.Digest{Hash: hex.EncodeToString(sum[:]), SizeBytes: int64(len(data))}
}

func (c *client) compress(data []byte) []byte { return c.encoder.EncodeAll(data, nil) }

func (c *client) decompress(data []byte) ([]byte, error) { return c.decoder.DecodeAll(data, nil) }

func (c *client) prefix() string {
	if c.instance == "" {
		return ""
	}
	return c.instance + "/"
}

func (c *client) uploadID() string {
	var id [16]byte
	c.random.Read(id[:])
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// readName and writeName are for `kind` "blobs" or "compressed-blobs/zstd"; each writeName is another upload.
func (c *client) readName(kind string, digest *repb.Digest) string {
	return fmt.Sprintf("%s%s/%s/%d", c.prefix(), kind, digest.Hash, digest.SizeBytes)
}

func (c *client) writeName(kind string, digest *repb.Digest) string {
	return fmt.Sprintf("%suploads/%s/%s/%s/%d", c.prefix(), c.uploadID(), kind, digest.Hash, digest.SizeBytes)
}

// part is the bytes of an upload that one call sends; the last one of an upload finishes it.
type part struct {
	data       []byte // as they go over the wire, of the whole upload
	begin, end int
	finish     bool
	chunk      int
}

func whole(data []byte) part { return part{data: data, end: len(data), finish: true, chunk: 65_537} }

func send(stream bspb.ByteStream_WriteClient, name string, p part) error {
	for offset := p.begin; ; {
		end := min(offset+p.chunk, p.end)
		request := &bspb.WriteRequest{
			WriteOffset: int64(offset), Data: p.data[offset:end], FinishWrite: p.finish && end == p.end,
		}
		if offset == p.begin {
			request.ResourceName = name
		}
		if err := stream.Send(request); err != nil || end == p.end {
			return err
		}
		offset = end
	}
}

// write gives committed_size.
func (c *client) write(ctx context.Context, name string, p part) (int64, error) {
	stream, err := c.streams.Write(ctx)
	if err != nil {
		return 0, err
	}
	if err := send(stream, name, p); err != nil && err != io.EOF { // io.EOF: the answer is there already
		return 0, err
	}
	response, err := stream.CloseAndRecv()
	return response.GetCommittedSize(), err
}

func (c *client) read(ctx context.Context, name string, offset, limit int64) ([]byte, error) {
	request := &bspb.ReadRequest{ResourceName: name, ReadOffset: offset, ReadLimit: limit}
	stream, err := c.streams.Read(ctx, request)
	if err != nil {
		return nil, err
	}
	var data []byte
	for {
		response, err := stream.Recv()
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		data = append(data, response.Data...)
	}
}

// update sends blobs in one batch, as they are.
func (c *client) update(ctx context.Context, blobs ...[]byte) error {
	requests := make([]*repb.BatchUpdateBlobsRequest_Request, 0, len(blobs))
	for _, data := range blobs {
		requests = append(requests, &repb.BatchUpdateBlobsRequest_Request{Digest: digestOf(data), Data: data})
	}
	return c.updateRequests(ctx, requests)
}

func (c *client) updateRequests(ctx context.Context, requests []*repb.BatchUpdateBlobsRequest_Request) error {
	request := &repb.BatchUpdateBlobsRequest{InstanceName: c.instance, Requests: requests}
	response, err := c.cas.BatchUpdateBlobs(ctx, request)
	if err != nil {
		return err
	}
	if len(response.Responses) != len(requests) {
		return fmt.Errorf("%d answers to %d blobs", len(response.Responses), len(requests))
	}
	for _, one := range response.Responses {
		if err := status.ErrorProto(one.Status); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) updateMessages(ctx context.Context, messages ...proto.Message) error {
	blobs := make([][]byte, 0, len(messages))
	for _, message := range messages {
		blobs = append(blobs, encode(message))
	}
	return c.update(ctx, blobs...)
}

func (c *client) missing(ctx context.Context, digests ...*repb.Digest) ([]*repb.Digest, error) {
	request := &repb.FindMissingBlobsRequest{InstanceName: c.instance, BlobDigests: digests}
	response, err := c.cas.FindMissingBlobs(ctx, request)
	return response.GetMissingBlobDigests(), err
}

// encode has the fields in order, as REAPI wants messages that have a digest.
func encode(message proto.Message) []byte {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		panic(err) // only for strings that are not UTF-8, and ours are
	}
	return data
}

func wantCode(err error, want codes.Code) error {
	if status.Code(err) != want {
		return fmt.Errorf("%v is wanted, and it said: %v", want, err)
	}
	return nil
}

func wantBytes(got, want []byte) error {
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%d bytes came that are not the %d that are wanted", len(got), len(want))
	}
	return nil
}
