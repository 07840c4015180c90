// go_client asks a server of the Remote Execution API for all that a cache is asked for, by the official stubs of the
// protocol for Go, and says what it found right. It ends with 1 at the first thing that is not.
//
//	go_client [-instance NAME] [-seed NUMBER] HOST:PORT
//
// The blobs are other ones in each run, so a server may be asked again; a seed that was printed gives the same again.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// A check ends within this time or fails.
const checkTimeout = 60 * time.Second

type check struct {
	what string
	run  func(context.Context, *client) error
}

var checks = []check{
	{"GetCapabilities: 2.0 to 2.3 at least, SHA256, updates, zstd", checkCapabilities},
	{"FindMissingBlobs: the missing ones of 10,000, exactly", checkFindMissing},
	{"FindMissingBlobs: the empty blob is there", checkEmptyBlob},
	{"BatchUpdateBlobs, BatchReadBlobs: identity", checkBatchIdentity},
	{"BatchUpdateBlobs, BatchReadBlobs: zstd", checkBatchZstd},
	{"BatchUpdateBlobs: other bytes than the digest says", checkBatchMismatch},
	{"BatchUpdateBlobs, BatchReadBlobs: the advertised size and one byte more", checkBatchLimit},
	{"ByteStream: Write and Read of several MiB", checkStream},
	{"ByteStream: Read with offsets and limits", checkRanges},
	{"ByteStream: Read of a blob that is not there", checkReadMissing},
	{"ByteStream: Write of other bytes than the digest says", checkStreamMismatch},
	{"ByteStream: Write resumed at what QueryWriteStatus says", checkResume},
	{"ByteStream: Write resumed after it was cancelled", checkResumeCancelled},
	{"ByteStream: Write of what is there is answered early", checkEarlyAnswer},
	{"ByteStream: compressed-blobs/zstd both ways", checkZstdStream},
	{"ByteStream, BatchUpdateBlobs: many writers of one digest", checkConcurrentWriters},
	{"ActionCache: what was put is given", checkActionHit},
	{"ActionCache: stdout and files inside the result", checkActionInline},
	{"ActionCache: no result while one of its blobs is missing", checkActionIncomplete},
	{"GetTree: every directory, in pages", checkTree},
	{"GetTree: goes on at a page's token", checkTreeToken},
}

func runChecks(c *client) error {
	for _, one := range checks {
		ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
		err := one.run(ctx, c)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", one.what, err)
		}
		fmt.Println("ok", one.what)
	}
	return nil
}

func main() {
	instance := flag.String("instance", "", "the instance name of every request")
	seed := flag.Uint64("seed", rand.Uint64(), "what the blobs are made of")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: go_client [-instance NAME] [-seed NUMBER] HOST:PORT")
		os.Exit(2)
	}
	fmt.Println("seed", *seed)
	connection, err := grpc.NewClient(flag.Arg(0), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err == nil {
		defer connection.Close()
		err = runChecks(newClient(connection, *instance, *seed))
	}
	if err != nil {
		fmt.Println("FAILED", err)
		os.Exit(1)
	}
	fmt.Println("passed", len(checks), "checks")
}
