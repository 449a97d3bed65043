package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

// Set by -X from the VERSION file; buildTime is in seconds since 1970 and is
// the floor of the clock.
var (
	buildVersion = ""
	buildTime    = ""
)

// versionText is the release, else what the Go toolchain knows of the build.
func versionText() string {
	if buildVersion != "" {
		return buildVersion
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	return info.Main.Version
}

// builtAt is the build's time; zero when nothing stamped it.
func builtAt() time.Time {
	if s, err := strconv.ParseInt(buildTime, 10, 64); err == nil {
		return time.Unix(s, 0)
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, set := range info.Settings {
		if set.Key == "vcs.time" {
			if t, err := time.Parse(time.RFC3339, set.Value); err == nil {
				return t
			}
		}
	}
	return time.Time{}
}

func version(_ context.Context, c command) int {
	fmt.Fprintf(c.stdout, "longarm-agent %s %s/%s %s\n", versionText(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	return exitDone
}
