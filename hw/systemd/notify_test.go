package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// manager is the service manager's end of the notify socket.
func manager(t *testing.T) (*net.UnixConn, *Notifier) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return c, New()
}

// receive is one datagram and the descriptors in it.
func receive(t *testing.T, c *net.UnixConn) (string, []int) {
	t.Helper()
	b, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4*4))
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, on, _, _, err := c.ReadMsgUnix(b, oob)
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	msgs, err := unix.ParseSocketControlMessage(oob[:on])
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range msgs {
		got, err := unix.ParseUnixRights(&m)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, got...)
	}
	return string(b[:n]), fds
}

func TestMessages(t *testing.T) {
	c, n := manager(t)
	for _, m := range []struct {
		name string
		send func() error
		want string
	}{
		{"ready", func() error { return n.Ready("polling") }, "READY=1\nSTATUS=polling"},
		{"status", func() error { return n.Status("on\nbattery\x00") }, "STATUS=on battery "},
		{"stopping", func() error { return n.Stopping("update") }, "STOPPING=1\nSTATUS=update"},
		{"watchdog", n.Watchdog, "WATCHDOG=1"},
		{"remove", func() error { return n.StoreRemove("gpio/a/1/") }, "FDSTOREREMOVE=1\nFDNAME=gpio/a/1/"},
	} {
		if err := m.send(); err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		if got, fds := receive(t, c); got != m.want || len(fds) != 0 {
			t.Errorf("%s: got %q and %d descriptors, want %q", m.name, got, len(fds), m.want)
		}
	}
}

func TestStorePassesTheDescriptor(t *testing.T) {
	c, n := manager(t)
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := n.Store("gpio/a/1/GPIO1", f); err != nil {
		t.Fatal(err)
	}
	got, fds := receive(t, c)
	if want := "FDSTORE=1\nFDPOLL=0\nFDNAME=gpio/a/1/GPIO1"; got != want || len(fds) != 1 {
		t.Fatalf("got %q and %d descriptors, want %q and 1", got, len(fds), want)
	}
	copied := os.NewFile(uintptr(fds[0]), "copy")
	defer copied.Close()
	mine, errMine := f.Stat()
	theirs, errTheirs := copied.Stat()
	if err := errors.Join(errMine, errTheirs); err != nil || !os.SameFile(mine, theirs) {
		t.Errorf("descriptor is not the file's: %v", err)
	}
	if _, err := f.WriteString("still ours"); err != nil {
		t.Error(err)
	}
}

func TestBadNames(t *testing.T) {
	_, n := manager(t)
	for _, name := range []string{"", "a:b", "a\nb", "ä", strings.Repeat("x", 256)} {
		if err := n.Store(name, os.Stdin); !errors.Is(err, ErrName) {
			t.Errorf("Store(%q) = %v, want ErrName", name, err)
		}
		if err := n.StoreRemove(name); !errors.Is(err, ErrName) {
			t.Errorf("StoreRemove(%q) = %v, want ErrName", name, err)
		}
	}
	if err := n.Store("x", nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Store(nil) = %v, want os.ErrClosed", err)
	}
}

func TestWithoutManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	n := New()
	if err := errors.Join(n.Ready(""), n.Watchdog(), n.Store("a", os.Stdin), n.StoreRemove("a")); err != nil || n.Enabled() {
		t.Errorf("error = %v, Enabled = %v; want neither", err, n.Enabled())
	}
	if d, ok := n.WatchdogInterval(); ok {
		t.Errorf("WatchdogInterval = %v, want none", d)
	}
}

// A manager that does not read costs a bounded time, with and without a descriptor.
func TestUnreadQueueDoesNotBlock(t *testing.T) {
	_, n := manager(t)
	n.limit = time.Millisecond
	var plain error
	for range 10_000 {
		if plain = n.Watchdog(); plain != nil {
			break
		}
	}
	for _, err := range []error{plain, n.Store("a", os.Stdin)} {
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("error = %v, want os.ErrDeadlineExceeded", err)
		}
	}
}

func TestManagerGone(t *testing.T) {
	c, n := manager(t)
	_ = c.Close()
	if err := n.Watchdog(); err == nil {
		t.Error("Watchdog to nobody: no error")
	}
}

func TestWatchdogInterval(t *testing.T) {
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"30000000", strconv.Itoa(os.Getpid()), 30 * time.Second},
		{"30000000", "", 30 * time.Second},
		{"30000000", "1", 0},
		{"", "", 0},
		{"soon", "", 0},
		{"-1", "", 0},
	} {
		t.Setenv("WATCHDOG_USEC", c.usec)
		t.Setenv("WATCHDOG_PID", c.pid)
		if got, ok := New().WatchdogInterval(); got != c.want || ok != (c.want > 0) {
			t.Errorf("usec %q pid %q: %v, %v; want %v", c.usec, c.pid, got, ok, c.want)
		}
	}
}

// TestStored runs this test's binary again as a service with descriptors 3, 4 and 5.
func TestStored(t *testing.T) {
	if os.Getenv("LONGARM_STORED_CHILD") != "" {
		storedChild()
		return
	}
	dir := t.TempDir()
	var files []*os.File
	for _, name := range []string{"first", "second", "twin"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// exec keeps the number of the process, as the service manager's start does
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" -test.run '^TestStored$'`, exe)
	cmd.Env = append(os.Environ(), "LONGARM_STORED_CHILD=1", "LISTEN_FDS=3", "LISTEN_FDNAMES=gpio/a/1/X:other:other")
	cmd.ExtraFiles = files
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := "gpio/a/1/X=" + dir + "/first cloexec\nother=" + dir + "/second cloexec\nclosed twin\nagain 0 env \"\"\n"
	if got, _, _ := strings.Cut(string(out), "PASS"); got != want {
		t.Errorf("child said\n%swant\n%s", got, want)
	}
}

func storedChild() {
	files := Stored()
	for _, name := range []string{"gpio/a/1/X", "other"} {
		f := files[name]
		path, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
		flags, _ := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0)
		fmt.Printf("%s=%s %s\n", name, path, map[bool]string{true: "cloexec", false: "inherited"}[flags&unix.FD_CLOEXEC != 0])
	}
	if _, err := unix.FcntlInt(5, unix.F_GETFD, 0); errors.Is(err, unix.EBADF) && len(files) == 2 {
		fmt.Println("closed twin")
	}
	fmt.Printf("again %d env %q\n", len(Stored()), os.Getenv("LISTEN_FDS")+os.Getenv("LISTEN_PID")+os.Getenv("LISTEN_FDNAMES"))
}

func TestStoredForAnother(t *testing.T) {
	t.Setenv("LISTEN_PID", "1")
	t.Setenv("LISTEN_FDS", "2")
	if got := Stored(); len(got) != 0 {
		t.Errorf("Stored = %v, want none: they are for process 1", got)
	}
}
