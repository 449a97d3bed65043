package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// notification is struct seccomp_notif, reply struct seccomp_notif_resp
// (seccomp_unotify(2)).
type notification struct {
	id     uint64
	pid    uint32
	flags  uint32
	number int32
	arch   uint32
	at     uint64
	args   [6]uint64
}

type reply struct {
	id    uint64
	value int64
	err   int32
	flags uint32
}

// watcher decides about the calls of all listeners.
type watcher struct {
	out io.Writer

	mu      sync.Mutex
	armed   int    // the so manieth call from here is held; 0: none is
	release func() // lets the held call go; nil when none is held
}

// watch serves every program that run starts, one after the other or side by side.
func watch(out io.Writer, armed bool) error {
	w := &watcher{out: out}
	if armed {
		w.armed = 1
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return err
	}
	words := make(chan os.Signal, 1)
	signal.Notify(words, unix.SIGUSR1, unix.SIGUSR2)
	go w.obey(words)
	fmt.Fprintln(out, "listening")
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return err
		}
		go func() {
			if err := w.serve(c); err != nil {
				fmt.Fprintln(out, "watch:", err)
			}
		}()
	}
}

func (w *watcher) obey(words <-chan os.Signal) {
	for word := range words {
		w.mu.Lock()
		switch {
		case word == unix.SIGUSR1:
			w.armed++
			fmt.Fprintln(w.out, "armed", w.armed)
		case w.release != nil:
			w.release()
			w.release = nil
			fmt.Fprintln(w.out, "released")
		}
		w.mu.Unlock()
	}
}

// serve answers for one program until it is gone.
func (w *watcher) serve(c *net.UnixConn) error {
	name, listener, err := receive(c)
	if err != nil {
		return err
	}
	defer w.gone(listener)
	for {
		ready := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); err != nil && err != unix.EINTR {
			return err
		}
		if ready[0].Revents&unix.POLLIN == 0 {
			if ready[0].Revents != 0 {
				return nil // the program is gone
			}
			continue
		}
		var n notification
		if err := control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); err != nil {
			if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINTR) { // it was killed meanwhile
				continue
			}
			return fmt.Errorf("receive: %w", err)
		}
		w.decide(name, listener, n)
	}
}

// gone forgets what was held of a program that has ended.
func (w *watcher) gone(listener int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.release = nil // one program at a time holds a call
	unix.Close(listener)
}

// decide holds a call or lets it through.
func (w *watcher) decide(name string, listener int, n notification) {
	through := func() {
		r := reply{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		_ = control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r)) // ENOENT: it was killed meanwhile
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.armed == 1
	w.armed = max(0, w.armed-1)
	if !last {
		through()
		return
	}
	w.release = through
	fmt.Fprintf(w.out, "held %s of thread %d\n", name, n.pid)
}

func receive(c *net.UnixConn) (name string, listener int, err error) {
	defer c.Close()
	text, oob := make([]byte, 64), make([]byte, unix.CmsgSpace(4))
	n, on, _, _, err := c.ReadMsgUnix(text, oob)
	if err != nil {
		return "", 0, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:on])
	if err != nil || len(messages) != 1 {
		return "", 0, errors.Join(errors.New("no listener came"), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return "", 0, errors.Join(errors.New("no listener came"), err)
	}
	return string(text[:n]), fds[0], nil
}

func control(fd int, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
