package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"longarm/lab/wire"
)

// etc makes programs feel at home.
var etc = map[string]string{
	"/etc/hosts":       "127.0.0.1 localhost\n10.0.2.2 host\n",
	"/etc/resolv.conf": "nameserver 10.0.2.3\n",
	"/etc/passwd":      "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
	"/etc/group":       "root:x:0:\nnogroup:x:65534:\n",
}

// mini stays PID 1 and reaps; the server is a child, so that the two never compete for
// wait().
func mini(c wire.Config) error {
	if c.Net {
		if err := ethUp(); err != nil {
			logf("eth0: %v", err)
		}
	}
	mount("tmp", "/tmp", "tmpfs", 0, "mode=1777")
	mount("devpts", "/dev/pts", "devpts", 0, "mode=0620,ptmxmode=0666")
	mount("shm", "/dev/shm", "tmpfs", 0, "mode=1777")
	mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, "")
	for name, text := range etc {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	server, err := syscall.ForkExec(program, []string{"labguest"}, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if pid == server || errors.Is(err, unix.ECHILD) {
			return fmt.Errorf("server ended: %v", status)
		}
	}
}
