package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// action is one with a result: a file, stdout, and a directory with another one in it.
type action struct {
	digest *repb.Digest
	result *repb.ActionResult
	blobs  map[string][]byte // all that the result names, by what they are
}

func (c *client) newAction() action {
	file, stdout, top, nested := c.blob(3_000), c.blob(500), c.blob(400), c.blob(300)
	child := &repb.Directory{Files: []*repb.FileNode{{Name: "nested.o", Digest: digestOf(nested)}}}
	root := &repb.Directory{
		Files:       []*repb.FileNode{{Name: "top.o", Digest: digestOf(top), IsExecutable: true}},
		Directories: []*repb.DirectoryNode{{Name: "child", Digest: digestOf(encode(child))}},
	}
	tree := encode(&repb.Tree{Root: root, Children: []*repb.Directory{child}})
	return action{
		digest: digestOf(c.blob(200)),
		result: &repb.ActionResult{
			OutputFiles:       []*repb.OutputFile{{Path: "out/file.rlib", Digest: digestOf(file)}},
			OutputDirectories: []*repb.OutputDirectory{{Path: "out/directory", TreeDigest: digestOf(tree)}},
			StdoutDigest:      digestOf(stdout),
		},
		blobs: map[string][]byte{
			"a file": file, "stdout": stdout, "a Tree": tree, "a file in a Tree": top,
			"a file in a directory of a Tree": nested,
		},
	}
}

// put sends all blobs of the action but the one named, and then the result.
func (c *client) put(ctx context.Context, a action, without string) error {
	for what, data := range a.blobs {
		if what == without {
			continue
		}
		if err := c.update(ctx, data); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	request := &repb.UpdateActionResultRequest{InstanceName: c.instance, ActionDigest: a.digest, ActionResult: a.result}
	stored, err := c.actions.UpdateActionResult(ctx, request)
	if err == nil {
		err = wantResult(stored, a.result)
	}
	return err
}

func (c *client) get(ctx context.Context, a action) (*repb.ActionResult, error) {
	request := &repb.GetActionResultRequest{InstanceName: c.instance, ActionDigest: a.digest}
	return c.actions.GetActionResult(ctx, request)
}

// wantResult leaves aside what a server may add of its own.
func wantResult(got, want *repb.ActionResult) error {
	got = proto.Clone(got).(*repb.ActionResult)
	got.ExecutionMetadata = nil
	if !proto.Equal(got, want) {
		return fmt.Errorf("it gives the result %v, not %v", got, want)
	}
	return nil
}

func (c *client) wantHit(ctx context.Context, a action) error {
	got, err := c.get(ctx, a)
	if err != nil {
		return err
	}
	return wantResult(got, a.result)
}

func checkActionHit(ctx context.Context, c *client) error {
	a := c.newAction()
	_, err := c.get(ctx, a)
	if err := wantCode(err, codes.NotFound); err != nil {
		return fmt.Errorf("before it was put: %w", err)
	}
	if err := c.put(ctx, a, ""); err != nil {
		return err
	}
	if err := c.wantHit(ctx, a); err != nil {
		return err
	}
	again := c.newAction() // the last result that was put is the one that is given
	again.digest = a.digest
	if err := c.put(ctx, again, ""); err != nil {
		return err
	}
	return c.wantHit(ctx, again)
}

// A server may put less into a result than it is asked for, but what is there is right, and here there is room.
func checkActionInline(ctx context.Context, c *client) error {
	a := c.newAction()
	if err := c.put(ctx, a, ""); err != nil {
		return err
	}
	got, err := c.actions.GetActionResult(ctx, &repb.GetActionResultRequest{
		InstanceName: c.instance, ActionDigest: a.digest, InlineStdout: true,
		InlineOutputFiles: []string{"out/file.rlib"},
	})
	if err != nil {
		return err
	}
	if err := wantBytes(got.StdoutRaw, a.blobs["stdout"]); err != nil {
		return fmt.Errorf("stdout_raw: %w", err)
	}
	if len(got.OutputFiles) != 1 {
		return fmt.Errorf("%d output_files", len(got.OutputFiles))
	}
	return wantBytes(got.OutputFiles[0].Contents, a.blobs["a file"])
}

// For each kind of blob: without it there is no result, and as soon as it is there, there is.
func checkActionIncomplete(ctx context.Context, c *client) error {
	for _, what := range slices.Sorted(maps.Keys(c.newAction().blobs)) {
		a := c.newAction()
		if err := c.put(ctx, a, what); err != nil {
			return fmt.Errorf("without %s: %w", what, err)
		}
		_, err := c.get(ctx, a)
		if err := wantCode(err, codes.NotFound); err != nil {
			return fmt.Errorf("without %s: %w", what, err)
		}
		if err := c.update(ctx, a.blobs[what]); err != nil {
			return err
		}
		if err := c.wantHit(ctx, a); err != nil {
			return fmt.Errorf("with %s: %w", what, err)
		}
	}
	return nil
}
