package main

import (
	"context"
	"io"
)

func liveAndTell(ctx context.Context, o options, out io.Writer) error { return nil }
