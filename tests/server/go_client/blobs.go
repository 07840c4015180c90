package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func checkCapabilities(ctx context.Context, c *client) error {
	request := &repb.GetCapabilitiesRequest{InstanceName: c.instance}
	server, err := c.capabilities.GetCapabilities(ctx, request)
	if err != nil {
		return err
	}
	low, high := server.GetLowApiVersion(), server.GetHighApiVersion()
	if low.GetMajor() != 2 || low.GetMinor() != 0 || high.GetMajor() != 2 || high.GetMinor() < 3 {
		return fmt.Errorf("versions from %v to %v", low, high)
	}
	cache := server.GetCacheCapabilities()
	c.batchBytes = cache.GetMaxBatchTotalSizeBytes()
	switch {
	case !slices.Contains(cache.GetDigestFunctions(), repb.DigestFunction_SHA256):
		return fmt.Errorf("digest_functions: %v", cache.GetDigestFunctions())
	case !cache.GetActionCacheUpdateCapabilities().GetUpdateEnabled():
		return fmt.Errorf("update_enabled is false")
	case !slices.Contains(cache.GetSupportedCompressors(), repb.Compressor_ZSTD):
		return fmt.Errorf("supported_compressors: %v", cache.GetSupportedCompressors())
	case !slices.Contains(cache.GetSupportedBatchUpdateCompressors(), repb.Compressor_ZSTD):
		return fmt.Errorf("supported_batch_update_compressors: %v", cache.GetSupportedBatchUpdateCompressors())
	}
	return nil
}

func checkFindMissing(ctx context.Context, c *client) error {
	const count = 10_000
	var asked, want []*repb.Digest
	var uploads [][]byte
	for i := range count {
		data := c.blob(40)
		asked = append(asked, digestOf(data))
		if i%100 == 0 {
			uploads = append(uploads, data)
		} else {
			want = append(want, digestOf(data))
		}
	}
	if found, err := c.missing(ctx, asked...); err != nil || len(found) != count {
		return fmt.Errorf("%d of %d new blobs are missing: %v", len(found), count, err)
	}
	if err := c.update(ctx, uploads...); err != nil {
		return err
	}
	found, err := c.missing(ctx, asked...)
	if err != nil {
		return err
	}
	byHash := func(a, b *repb.Digest) int { return strings.Compare(a.Hash, b.Hash) }
	slices.SortFunc(found, byHash)
	slices.SortFunc(want, byHash)
	same := func(a, b *repb.Digest) bool { return proto.Equal(a, b) }
	if !slices.EqualFunc(found, want, same) {
		return fmt.Errorf("it says that %d are missing, and %d others are", len(found), len(want))
	}
	return nil
}

func checkEmptyBlob(ctx context.Context, c *client) error {
	empty := digestOf(nil)
	if found, err := c.missing(ctx, empty); err != nil || len(found) != 0 {
		return fmt.Errorf("FindMissingBlobs gives %v: %v", found, err)
	}
	data, err := c.read(ctx, c.readName("blobs", empty), 0, 0)
	if err != nil {
		return err
	}
	return wantBytes(data, nil)
}

// readBatch asks for these blobs in one batch and wants their bytes.
func (c *client) readBatch(ctx context.Context, compressors []repb.Compressor_Value, blobs ...[]byte) error {
	request := &repb.BatchReadBlobsRequest{InstanceName: c.instance, AcceptableCompressors: compressors}
	want := map[string][]byte{}
	for _, data := range blobs {
		request.Digests = append(request.Digests, digestOf(data))
		want[digestOf(data).Hash] = data
	}
	response, err := c.cas.BatchReadBlobs(ctx, request)
	if err != nil {
		return err
	}
	for _, one := range response.Responses {
		if err := c.wantBlob(one, compressors, want[one.GetDigest().GetHash()]); err != nil {
			return fmt.Errorf("%s: %w", one.GetDigest().GetHash(), err)
		}
		delete(want, one.Digest.Hash)
	}
	if len(want) != 0 {
		return fmt.Errorf("%d blobs have no answer", len(want))
	}
	return nil
}

func (c *client) wantBlob(got *repb.BatchReadBlobsResponse_Response, compressors []repb.Compressor_Value,
	want []byte) error {
	if err := status.ErrorProto(got.Status); err != nil {
		return err
	}
	data := got.Data
	if got.Compressor != repb.Compressor_IDENTITY {
		if !slices.Contains(compressors, got.Compressor) {
			return fmt.Errorf("compressed with %v, which nobody asked for", got.Compressor)
		}
		var err error
		if data, err = c.decompress(data); err != nil {
			return err
		}
	}
	return wantBytes(data, want)
}

func checkBatchIdentity(ctx context.Context, c *client) error {
	blobs := [][]byte{c.blob(17), c.blob(1_000), c.blob(70_000), c.blob(600_000)}
	if err := c.update(ctx, blobs...); err != nil {
		return err
	}
	if err := c.readBatch(ctx, nil, blobs...); err != nil {
		return err
	}
	absent := c.blob(100)
	return wantCode(c.readBatch(ctx, nil, absent), codes.NotFound)
}

func checkBatchZstd(ctx context.Context, c *client) error {
	blobs := [][]byte{c.blob(17), c.blob(1_000), c.blob(70_000), c.blob(600_000)}
	var requests []*repb.BatchUpdateBlobsRequest_Request
	for _, data := range blobs {
		requests = append(requests, &repb.BatchUpdateBlobsRequest_Request{
			Digest: digestOf(data), Data: c.compress(data), Compressor: repb.Compressor_ZSTD,
		})
	}
	if err := c.updateRequests(ctx, requests); err != nil {
		return err
	}
	if err := c.readBatch(ctx, nil, blobs...); err != nil {
		return err
	}
	return c.readBatch(ctx, []repb.Compressor_Value{repb.Compressor_ZSTD}, blobs...)
}

// wantMissing says that the server does not have the blob.
func (c *client) wantMissing(ctx context.Context, digest *repb.Digest) error {
	if found, err := c.missing(ctx, digest); err != nil || len(found) != 1 {
		return fmt.Errorf("the blob is said to be there: %v", err)
	}
	return nil
}

func checkBatchMismatch(ctx context.Context, c *client) error {
	digest := digestOf(c.blob(1_000))
	wrong := c.blob(1_000)
	for _, data := range [][]byte{wrong, wrong[:999], c.compress(wrong)} {
		one := &repb.BatchUpdateBlobsRequest_Request{Digest: digest, Data: data}
		err := c.updateRequests(ctx, []*repb.BatchUpdateBlobsRequest_Request{one})
		if err := wantCode(err, codes.InvalidArgument); err != nil {
			return err
		}
	}
	return c.wantMissing(ctx, digest)
}

func checkBatchLimit(ctx context.Context, c *client) error {
	if c.batchBytes == 0 {
		return nil // the server has none
	}
	fits, tooLarge := c.blob(int(c.batchBytes)), c.blob(int(c.batchBytes)+1)
	if err := c.update(ctx, fits); err != nil {
		return err
	}
	if err := c.readBatch(ctx, nil, fits); err != nil {
		return err
	}
	return wantCode(c.update(ctx, tooLarge), codes.InvalidArgument)
}
