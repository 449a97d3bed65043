package main

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// loopbackUp switches on the loopback of a new network namespace (netdevice(7)).
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("switch on the loopback: %w", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("switch on the loopback: %w", err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("switch on the loopback: %w", err)
	}
	return nil
}

// loopback counts what has gone over the loopback so far.
func loopback() (traffic, error) {
	text, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		return traffic{}, fmt.Errorf("count the traffic: %w", err)
	}
	return parseDev(string(text), "lo")
}

// memory reads what the agent's process holds.
func (w *idleReport) memory(pid int) error {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return fmt.Errorf("read the agent's memory: %w", err)
	}
	for key, to := range map[string]*int64{"VmRSS": &w.RSS, "RssAnon": &w.Anon, "VmHWM": &w.Peak} {
		if *to, err = parseStatus(string(text), key); err != nil {
			return fmt.Errorf("read the agent's memory: %w", err)
		}
	}
	return nil
}
