package main

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// runFolder is where what PID 1 leaves for the server lies.
const runFolder = "/run/lab/"

func main() {
	runtime.GOMAXPROCS(2)
	var err error
	switch {
	case os.Getpid() == 1:
		die(boot())
	case len(os.Args) == 3 && os.Args[1] == "get":
		err = get(os.Stdout, os.Args[2])
	default:
		err = serve()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

// die switches the machine off, once the console has said why.
func die(err error) {
	fmt.Fprintln(os.Stderr, "lab: FATAL:", err)
	wait(200 * time.Millisecond)
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF) // if not, PID 1 ends and the kernel panics
}

// logf writes to the kernel's log.
func logf(f string, a ...any) {
	if k, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0); err == nil {
		fmt.Fprintf(k, "<5>lab: "+f+"\n", a...)
		_ = k.Close()
	}
}

func wait(d time.Duration) { <-time.NewTimer(d).C }

// until looks every step whether f says yes, for at most limit, and gives its last word.
func until(limit, step time.Duration, f func() bool) bool {
	for end := time.Now().Add(limit); !f(); wait(step) {
		if time.Now().After(end) {
			return f()
		}
	}
	return true
}
