package main

import (
	"context"
	"fmt"
	"io"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

const (
	branches = 5
	pageSize = 3
)

// newTree sends a root with five directories of one directory each; it gives the root and the hashes of all eleven.
func (c *client) newTree(ctx context.Context) (*repb.Digest, map[string]bool, error) {
	root := &repb.Directory{}
	messages := []proto.Message{root}
	for i := range branches {
		leaf := &repb.Directory{Files: []*repb.FileNode{{Name: "file", Digest: digestOf(c.blob(100))}}}
		branch := &repb.Directory{Directories: []*repb.DirectoryNode{{Name: "leaf", Digest: digestOf(encode(leaf))}}}
		node := &repb.DirectoryNode{Name: fmt.Sprintf("branch%d", i), Digest: digestOf(encode(branch))}
		root.Directories = append(root.Directories, node)
		messages = append(messages, branch, leaf)
	}
	hashes := map[string]bool{}
	for _, message := range messages {
		hashes[digestOf(encode(message)).Hash] = true
	}
	return digestOf(encode(root)), hashes, c.updateMessages(ctx, messages...)
}

// pages asks once and gives every message of the answer.
func (c *client) pages(ctx context.Context, root *repb.Digest, size int32, token string) (
	[]*repb.GetTreeResponse, error) {
	request := &repb.GetTreeRequest{InstanceName: c.instance, RootDigest: root, PageSize: size, PageToken: token}
	stream, err := c.cas.GetTree(ctx, request)
	if err != nil {
		return nil, err
	}
	var pages []*repb.GetTreeResponse
	for {
		page, err := stream.Recv()
		if err == io.EOF {
			return pages, nil
		}
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
	}
}

// wantDirectories wants these directories, each once, in pages of at most `size`, of which the last has no token.
func wantDirectories(pages []*repb.GetTreeResponse, size int, hashes map[string]bool) error {
	seen := map[string]bool{}
	for i, page := range pages {
		if last := i == len(pages)-1; last != (page.NextPageToken == "") {
			return fmt.Errorf("page %d of %d has the token %q", i+1, len(pages), page.NextPageToken)
		}
		if len(page.Directories) > size {
			return fmt.Errorf("page %d has %d directories", i+1, len(page.Directories))
		}
		for _, directory := range page.Directories {
			hash := digestOf(encode(directory)).Hash
			if !hashes[hash] || seen[hash] {
				return fmt.Errorf("page %d has a directory that is not to be there, or not again: %v", i+1, directory)
			}
			seen[hash] = true
		}
	}
	if len(seen) != len(hashes) {
		return fmt.Errorf("%d of %d directories came", len(seen), len(hashes))
	}
	return nil
}

func checkTree(ctx context.Context, c *client) error {
	root, hashes, err := c.newTree(ctx)
	if err != nil {
		return err
	}
	for _, size := range []int32{0, 1, pageSize, 100} {
		pages, err := c.pages(ctx, root, size, "")
		if err == nil {
			allowed := int(size)
			if size == 0 {
				allowed = len(hashes)
			}
			err = wantDirectories(pages, allowed, hashes)
		}
		if err != nil {
			return fmt.Errorf("page_size %d: %w", size, err)
		}
	}
	_, err = c.pages(ctx, digestOf(c.blob(100)), 0, "")
	return wantCode(err, codes.NotFound)
}

// The tokens of a first answer, each of them asked for: what comes is the pages that came after it.
func checkTreeToken(ctx context.Context, c *client) error {
	root, hashes, err := c.newTree(ctx)
	if err != nil {
		return err
	}
	all, err := c.pages(ctx, root, pageSize, "")
	if err != nil {
		return err
	}
	if want := (len(hashes) + pageSize - 1) / pageSize; len(all) != want {
		return fmt.Errorf("%d pages came, not %d", len(all), want)
	}
	for i, page := range all[:len(all)-1] {
		rest, err := c.pages(ctx, root, pageSize, page.NextPageToken)
		if err != nil {
			return err
		}
		want := &repb.Tree{}
		got := &repb.Tree{}
		for _, one := range all[i+1:] {
			want.Children = append(want.Children, one.Directories...)
		}
		for _, one := range rest {
			got.Children = append(got.Children, one.Directories...)
		}
		if !proto.Equal(got, want) {
			return fmt.Errorf("after page %d came %d directories, not these %d", i+1, len(got.Children), len(want.Children))
		}
	}
	_, err = c.pages(ctx, root, pageSize, "no token of yours")
	return wantCode(err, codes.InvalidArgument)
}
