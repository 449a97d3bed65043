// Package systemd speaks to the service manager that started us: notify messages out, kept
// file descriptors out and back in. Without a manager every message is silently nothing.
// It never blocks longer than a second and never starts, stops or asks about units.
package systemd

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// limit bounds one message. The manager's queue holds about 11 unread datagrams
// (net.unix.max_dgram_qlen); a manager that does not read for so long is not there. Far
// less than WatchdogSec in longarm-agent.service.
const limit = time.Second

// Notifier sends sd_notify(3) messages. The zero value, and one made without
// NOTIFY_SOCKET, sends nothing. It is safe for concurrent use.
type Notifier struct {
	socket   string
	watchdog time.Duration
	limit    time.Duration
}

// New reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; it opens nothing and leaves the
// environment as it is.
func New() *Notifier {
	n := &Notifier{socket: os.Getenv("NOTIFY_SOCKET"), limit: limit}
	if d, err := daemon.SdWatchdogEnabled(false); err == nil { // an unreadable value: no watchdog
		n.watchdog = d
	}
	return n
}

// Enabled reports whether a service manager listens.
func (n *Notifier) Enabled() bool { return n.socket != "" }

// Ready tells that start-up is finished, with a first status line in the same message.
func (n *Notifier) Ready(status string) error {
	return n.send(daemon.SdNotifyReady + "\n" + statusLine(status))
}

// Status sets the one line that systemctl status shows; line breaks become spaces.
func (n *Notifier) Status(status string) error { return n.send(statusLine(status)) }

// Stopping tells that we are on our way out and why; from systemd 259 on it is irrevocable.
func (n *Notifier) Stopping(status string) error {
	return n.send(daemon.SdNotifyStopping + "\n" + statusLine(status))
}

// Watchdog feeds the service watchdog.
func (n *Notifier) Watchdog() error { return n.send(daemon.SdNotifyWatchdog) }

// WatchdogInterval is the unit's WatchdogSec; ok is false when there is no watchdog or it
// is not for this process. Feed it at most half as far apart.
func (n *Notifier) WatchdogInterval() (interval time.Duration, ok bool) {
	return n.watchdog, n.watchdog > 0
}

func (n *Notifier) send(state string) error { return n.sendFile(state, nil) }

// sendFile sends one datagram, with f's descriptor riding on it if there is one. The
// socket is dialled each time, so that a re-executed manager is found again.
func (n *Notifier) sendFile(state string, f *os.File) error {
	if n.socket == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify service manager: %w", err)
	}
	defer c.Close()
	if err := c.SetWriteDeadline(time.Now().Add(n.limit)); err != nil {
		return fmt.Errorf("notify service manager: %w", err)
	}
	if f == nil {
		_, err = c.Write([]byte(state))
	} else {
		err = writeFile(c, state, f)
	}
	if err != nil {
		return fmt.Errorf("notify service manager: %w", err)
	}
	return nil
}

// writeFile is sendmsg(2) with SCM_RIGHTS: net's own WriteMsgUnix refuses a connected
// datagram socket. Waiting for room obeys c's write deadline.
func writeFile(c *net.UnixConn, state string, f *os.File) error {
	out, err := c.SyscallConn()
	if err != nil {
		return err
	}
	kept, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var sent, wait error
	err = kept.Control(func(fd uintptr) {
		wait = out.Write(func(sock uintptr) bool {
			sent = unix.Sendmsg(int(sock), []byte(state), unix.UnixRights(int(fd)), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
			return sent != unix.EAGAIN && sent != unix.EINTR
		})
	})
	return cmp.Or(err, wait, sent)
}

func statusLine(s string) string {
	return "STATUS=" + strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
