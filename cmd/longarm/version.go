package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// buildVersion is set by -X from the VERSION file.
var buildVersion = ""

// versionText is the release, else what the Go toolchain knows of the build.
func versionText() string {
	if buildVersion != "" {
		return buildVersion
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func version(_ context.Context, c command) int {
	f := c.newFlags("version", "version\n\nPrints the release, the platform and the Go version.\n")
	if _, code, done := f.parse(0, 0); done {
		return code
	}
	fmt.Fprintf(c.stdout, "longarm %s %s/%s %s\n", versionText(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	return exitDone
}
