package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// mountFirst mounts what everything else needs.
func mountFirst() {
	mount("proc", "/proc", "proc", 0, "")
	mount("sys", "/sys", "sysfs", 0, "")
	mount("dev", "/dev", "devtmpfs", 0, "mode=0755")
	mount("run", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755")
	folder(runFolder)
	for _, kv := range [][2]string{{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", "/root"}} {
		_ = os.Setenv(kv[0], kv[1]) // it fails only for a bad name
	}
}

// mountKernel mounts the kernel's own, some of which modules bring.
func mountKernel() {
	mount("configfs", "/sys/kernel/config", "configfs", 0, "")
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, "")
	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, "")
}

// mount says in the kernel's log what could not be mounted and goes on: kernels differ, and
// what is missed shows.
func mount(src, dir, typ string, flags uintptr, data string) {
	folder(dir)
	if err := unix.Mount(src, dir, typ, flags, data); err != nil {
		logf("mount %s: %v", dir, err)
	}
}

func folder(path string) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		logf("%v", err)
	}
}
