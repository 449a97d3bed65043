package client

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// probeLimit is how long a probe waits for TLS to work through bytes that are
// there already.
const probeLimit = time.Millisecond

// probe looks whether the peer has closed an idle connection or has sent what
// nobody asked for, which would pass as the next reply. It sends nothing and
// does not wait for the network. It does nothing while a request uses the
// connection, since that one will find out.
func (c *conn) probe() {
	select {
	case c.read <- struct{}{}:
		defer func() { <-c.read }()
	default:
		return
	}
	if c.unread() > 0 || (c.br.Buffered() == 0 && quiet(c.raw)) {
		return
	}
	// Something is there: a session ticket, or the end.
	_ = c.tls.SetReadDeadline(time.Now().Add(probeLimit))
	_, err := c.br.Peek(1)
	switch {
	case err != nil && !timeout(err):
		c.fail(&lostError{err})
	case err == nil && c.unread() == 0:
		c.fail(errUnasked)
	}
}

// quiet reports whether the kernel has nothing for us on a TCP connection,
// neither bytes nor its end. Of other connections it knows nothing.
func quiet(raw any) bool {
	sys, ok := raw.(syscall.Conn)
	if !ok {
		return false
	}
	rc, err := sys.SyscallConn()
	if err != nil {
		return false
	}
	nothing := false
	err = rc.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		nothing = err == unix.EAGAIN
	})
	return err == nil && nothing
}
