package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is one kind of system call, told by its number and perhaps one argument.
type call struct {
	number uint32
	arg    uint32 // index of the argument
	value  uint32 // its lower half
	any    bool   // whatever the arguments
}

// calls that can be held, by the name that a trial uses.
var calls = map[string]call{
	"get-line": {number: unix.SYS_IOCTL, arg: 1, value: unix.GPIO_V2_GET_LINE_IOCTL},
	"set":      {number: unix.SYS_IOCTL, arg: 1, value: unix.GPIO_V2_LINE_SET_VALUES_IOCTL},
	"connect":  {number: unix.SYS_CONNECT, arg: 2, value: unix.SizeofSockaddrInet4}, // not the one to init
	"exit":     {number: unix.SYS_EXIT_GROUP, any: true},
}

// Offsets in struct seccomp_data (seccomp(2)), and the words of a classic BPF program.
const (
	dataNumber = 0
	dataArgs   = 16
	loadWord   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	jumpEqual  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	answer     = unix.BPF_RET | unix.BPF_K
)

// program is the filter. It does not look at the architecture: the agent's unit allows
// the native one alone.
func (c call) program() []unix.SockFilter {
	ask := unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_USER_NOTIF}
	allow := unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_ALLOW}
	number := unix.SockFilter{Code: loadWord, K: dataNumber}
	if c.any {
		return []unix.SockFilter{number, {Code: jumpEqual, K: c.number, Jf: 1}, ask, allow}
	}
	return []unix.SockFilter{
		number, {Code: jumpEqual, K: c.number, Jf: 3},
		{Code: loadWord, K: dataArgs + 8*c.arg}, {Code: jumpEqual, K: c.value, Jf: 1},
		ask, allow,
	}
}

// run becomes the program, with every system call of that kind filtered.
func run(name string, argv []string) error {
	c, ok := calls[name]
	if !ok {
		return fmt.Errorf("no call %q", name)
	}
	watcher, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the filter is this thread's, and exec keeps this thread's
	listener, err := c.install()
	if err != nil {
		return fmt.Errorf("filter %s: %w", name, err)
	}
	if _, _, err := watcher.WriteMsgUnix([]byte(name), unix.UnixRights(listener), nil); err != nil {
		return fmt.Errorf("hand over the listener: %w", err)
	}
	return syscall.Exec(argv[0], argv, os.Environ())
}

// install filters this thread and gives the descriptor at which it asks. A call that the
// watcher has taken can only be ended by a signal that kills, as in a driver that hangs.
func (c call) install() (listener int, err error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	text := c.program()
	prog := unix.SockFprog{Len: uint16(len(text)), Filter: &text[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return 0, errno
	}
	return int(fd), nil
}
