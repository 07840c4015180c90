package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	bspb "google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	mebibyte = 1 << 20
	identity = "blobs"
	zstdKind = "compressed-blobs/zstd"
)

// upload writes the whole blob as it is and wants all of it to be committed.
func (c *client) upload(ctx context.Context, data []byte) error {
	committed, err := c.write(ctx, c.writeName(identity, digestOf(data)), whole(data))
	if err == nil && committed != int64(len(data)) {
		err = fmt.Errorf("committed_size is %d of %d", committed, len(data))
	}
	return err
}

func (c *client) wantRead(ctx context.Context, data []byte) error {
	got, err := c.read(ctx, c.readName(identity, digestOf(data)), 0, 0)
	if err != nil {
		return err
	}
	return wantBytes(got, data)
}

func checkStream(ctx context.Context, c *client) error {
	for _, size := range []int{1, 65_537, 5*mebibyte + 3} {
		data := c.blob(size)
		if err := c.upload(ctx, data); err != nil {
			return fmt.Errorf("%d bytes: %w", size, err)
		}
		if err := c.wantRead(ctx, data); err != nil {
			return fmt.Errorf("%d bytes: %w", size, err)
		}
	}
	return nil
}

func checkRanges(ctx context.Context, c *client) error {
	const size = 3*mebibyte + 1
	data := c.blob(size)
	if err := c.upload(ctx, data); err != nil {
		return err
	}
	name := c.readName(identity, digestOf(data))
	for _, r := range []struct{ offset, limit, end int64 }{
		{0, 1, 1}, {1, 0, size}, {0, size, size}, {mebibyte, 10, mebibyte + 10}, {7, 2 * mebibyte, 2*mebibyte + 7},
		{size - 1, 1, size}, {size - 1, 100, size}, {size, 0, size},
	} {
		got, err := c.read(ctx, name, r.offset, r.limit)
		if err == nil {
			err = wantBytes(got, data[r.offset:r.end])
		}
		if err != nil {
			return fmt.Errorf("offset %d, limit %d: %w", r.offset, r.limit, err)
		}
	}
	_, err := c.read(ctx, name, size+1, 0)
	return wantCode(err, codes.OutOfRange)
}

func checkReadMissing(ctx context.Context, c *client) error {
	digest := digestOf(c.blob(1_000))
	for _, kind := range []string{identity, zstdKind} {
		_, err := c.read(ctx, c.readName(kind, digest), 0, 0)
		if err := wantCode(err, codes.NotFound); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

func checkStreamMismatch(ctx context.Context, c *client) error {
	digest := digestOf(c.blob(mebibyte))
	wrong := c.blob(mebibyte)
	for _, upload := range []struct {
		kind string
		data []byte
	}{{identity, wrong}, {identity, wrong[1:]}, {identity, append(wrong, 0)}, {zstdKind, c.compress(wrong)}} {
		_, err := c.write(ctx, c.writeName(upload.kind, digest), whole(upload.data))
		if err := wantCode(err, codes.InvalidArgument); err != nil {
			return fmt.Errorf("%s, %d bytes: %w", upload.kind, len(upload.data), err)
		}
	}
	return c.wantMissing(ctx, digest)
}

func (c *client) queryWriteStatus(ctx context.Context, name string) (*bspb.QueryWriteStatusResponse, error) {
	return c.streams.QueryWriteStatus(ctx, &bspb.QueryWriteStatusRequest{ResourceName: name})
}

// The first half is sent and the stream closed without finish_write.
func checkResume(ctx context.Context, c *client) error {
	data := c.blob(4*mebibyte + 11)
	half := len(data) / 2
	name := c.writeName(identity, digestOf(data))
	before, err := c.queryWriteStatus(ctx, name)
	if err != nil || before.CommittedSize != 0 || before.Complete {
		return fmt.Errorf("of an upload that nobody began: %v: %v", before, err)
	}
	committed, err := c.write(ctx, name, part{data: data, end: half, chunk: 16_384})
	if err != nil || committed != int64(half) {
		return fmt.Errorf("the first half: committed_size is %d of %d: %v", committed, half, err)
	}
	if err := c.wantMissing(ctx, digestOf(data)); err != nil {
		return err
	}
	state, err := c.queryWriteStatus(ctx, name)
	if err != nil || state.CommittedSize != int64(half) || state.Complete {
		return fmt.Errorf("after %d bytes: %v: %v", half, state, err)
	}
	return c.resume(ctx, name, data, half)
}

func (c *client) resume(ctx context.Context, name string, data []byte, begin int) error {
	committed, err := c.write(ctx, name, part{data: data, begin: begin, end: len(data), finish: true, chunk: 16_384})
	if err != nil || committed != int64(len(data)) {
		return fmt.Errorf("resumed at %d: committed_size is %d of %d: %w", begin, committed, len(data), err)
	}
	state, err := c.queryWriteStatus(ctx, name)
	if err != nil || state.CommittedSize != int64(len(data)) || !state.Complete {
		return fmt.Errorf("after the end: %v: %v", state, err)
	}
	return c.wantRead(ctx, data)
}

// How much of a cancelled upload the server still got is its own affair: it must say a place at which it takes more.
func checkResumeCancelled(ctx context.Context, c *client) error {
	data := c.blob(3 * mebibyte)
	name := c.writeName(identity, digestOf(data))
	broken, cancel := context.WithCancel(ctx)
	stream, err := c.streams.Write(broken)
	if err == nil {
		err = send(stream, name, part{data: data, end: 2 * mebibyte, chunk: 16_384})
	}
	cancel()
	if err != nil {
		return err
	}
	state, err := c.queryWriteStatus(ctx, name)
	if err != nil || state.CommittedSize > 2*mebibyte || state.Complete {
		return fmt.Errorf("after it was cancelled: %v: %v", state, err)
	}
	return c.resume(ctx, name, data, int(state.CommittedSize))
}

// One message of many is sent, and the stream stays open: the answer must come by itself.
func checkEarlyAnswer(ctx context.Context, c *client) error {
	data := c.blob(4 * mebibyte)
	if err := c.upload(ctx, data); err != nil {
		return err
	}
	if err := c.wantEarly(ctx, identity, data, data, int64(len(data))); err != nil {
		return err
	}
	return c.wantEarly(ctx, zstdKind, data, c.compress(data), -1)
}

func (c *client) wantEarly(ctx context.Context, kind string, data, wire []byte, want int64) error {
	stream, err := c.streams.Write(ctx)
	if err != nil {
		return err
	}
	first := part{data: wire, end: 16_384, chunk: 16_384}
	if err := send(stream, c.writeName(kind, digestOf(data)), first); err != nil && err != io.EOF {
		return err
	}
	var response bspb.WriteResponse
	if err := stream.RecvMsg(&response); err != nil || response.CommittedSize != want {
		return fmt.Errorf("%s: committed_size is %d, not %d: %v", kind, response.CommittedSize, want, err)
	}
	return nil
}

func checkZstdStream(ctx context.Context, c *client) error {
	data := c.blob(5*mebibyte + 7)
	wire := c.compress(data)
	committed, err := c.write(ctx, c.writeName(zstdKind, digestOf(data)), whole(wire))
	if err != nil || committed != int64(len(wire)) {
		return fmt.Errorf("committed_size is %d of %d: %v", committed, len(wire), err)
	}
	if err := c.wantRead(ctx, data); err != nil {
		return err
	}
	name := c.readName(zstdKind, digestOf(data))
	for _, offset := range []int64{0, 1, 2*mebibyte + 1} { // of the blob, not of its compressed form
		got, err := c.read(ctx, name, offset, 0)
		if err != nil {
			return err
		}
		if offset == 0 && len(got) >= len(data) {
			return errors.New("what came is not smaller than the blob")
		}
		plain, err := c.decompress(got)
		if err != nil {
			return err
		}
		if err := wantBytes(plain, data[offset:]); err != nil {
			return fmt.Errorf("offset %d: %w", offset, err)
		}
	}
	_, err = c.read(ctx, name, 0, 10)
	return wantCode(err, codes.InvalidArgument)
}

// Every third writer sends a stream, a compressed one or a batch of the same blob, all at once.
func checkConcurrentWriters(ctx context.Context, c *client) error {
	const writers = 24
	data := c.blob(2*mebibyte + 5)
	wire := c.compress(data)
	begin := make(chan struct{})
	failures := make([]error, writers)
	var wait sync.WaitGroup
	for i := range writers {
		kind, sent := identity, data
		if i%3 == 1 {
			kind, sent = zstdKind, wire
		}
		name := c.writeName(kind, digestOf(data))
		wait.Go(func() {
			<-begin
			if i%3 == 2 {
				failures[i] = c.update(ctx, data)
				return
			}
			committed, err := c.write(ctx, name, whole(sent))
			if err == nil && committed != int64(len(sent)) && !(kind == zstdKind && committed == -1) {
				err = status.Errorf(codes.DataLoss, "committed_size is %d of %d", committed, len(sent))
			}
			failures[i] = err
		})
	}
	close(begin)
	wait.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return c.wantRead(ctx, data)
}
