package serial

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// cable is a pty: the board's end, and the path that the port opens.
func cable(t *testing.T) (board *os.File, path string) {
	t.Helper()
	board, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = board.Close() })
	path = tty.Name()
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	return board, path
}

func open(t *testing.T, o Options) (board *os.File, p *Port) {
	t.Helper()
	board, path := cable(t)
	p, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return board, p
}

// soon is a deadline that only a failing test waits for.
func soon() time.Time { return time.Now().Add(10 * time.Second) }

func send(t *testing.T, board *os.File, b []byte) {
	t.Helper()
	if _, err := board.Write(b); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, r io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got % x, %v; want % x", got, err, want)
	}
}

// reader lets io.ReadFull use ReadUntil.
type reader struct{ *Port }

func (r reader) Read(b []byte) (int, error) { return r.ReadUntil(b, soon()) }

func allBytes() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// Every byte value passes both ways unchanged, and the first byte on the line is ours.
func TestTransparentAndSilentOnOpen(t *testing.T) {
	board, p := open(t, Options{})
	if err := p.Write(allBytes()); err != nil {
		t.Fatal(err)
	}
	want(t, board, allBytes())
	send(t, board, allBytes())
	want(t, reader{p}, allBytes())
}

func TestReadDeadline(t *testing.T) {
	board, p := open(t, Options{})
	b := make([]byte, 8)
	for _, d := range []time.Time{{}, time.Now().Add(-time.Hour), time.Now().Add(20 * time.Millisecond)} {
		if n, err := p.ReadUntil(b, d); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("ReadUntil(%v) = %d, %v; want os.ErrDeadlineExceeded", d, n, err)
		}
	}
	send(t, board, []byte("ab"))
	if n, err := p.ReadUntil(b, soon()); err != nil || string(b[:n]) != "ab" {
		t.Errorf("ReadUntil = %q, %v; want ab", b[:n], err)
	}
	if n, err := p.ReadUntil(nil, soon()); n != 0 || err != nil {
		t.Errorf("ReadUntil(nil) = %d, %v; want 0, nil", n, err)
	}
}

// What is there is taken even when the deadline is over.
func TestReadAfterDeadline(t *testing.T) {
	board, p := open(t, Options{})
	send(t, board, []byte("a"))
	for { // a pty passes bytes on by a kernel worker: wait until it has
		n, err := unix.IoctlGetInt(p.fd, unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			break
		}
	}
	if n, err := p.ReadUntil(make([]byte, 8), time.Time{}); n != 1 || err != nil {
		t.Errorf("ReadUntil = %d, %v; want 1, nil", n, err)
	}
}

func TestFlushDropsInput(t *testing.T) {
	board, p := open(t, Options{})
	send(t, board, []byte("old"))
	want(t, reader{p}, []byte("o")) // the rest is there too, as one piece
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	send(t, board, []byte("new"))
	want(t, reader{p}, []byte("new"))
}

func TestLongWrite(t *testing.T) {
	board, p := open(t, Options{})
	long := bytes.Repeat(allBytes(), 256) // 64 KiB, far above what a pty holds
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.Write(long); err != nil {
			t.Error(err)
		}
	})
	want(t, board, long)
	wg.Wait()
}

func TestFullPortDoesNotHang(t *testing.T) {
	_, p := open(t, Options{Baud: 4_000_000})
	p.limit = time.Millisecond
	if err := p.Write(make([]byte, 1<<17)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write = %v, want os.ErrDeadlineExceeded", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsReadAndWrite(t *testing.T) {
	_, p := open(t, Options{Baud: 50}) // a write may take minutes at this rate
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := p.ReadUntil(make([]byte, 1), soon()); !errors.Is(err, os.ErrClosed) {
			t.Errorf("ReadUntil = %v, want os.ErrClosed", err)
		}
	})
	wg.Go(func() {
		if err := p.Write(make([]byte, 1<<17)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Write = %v, want os.ErrClosed", err)
		}
	})
	for { // until the write has filled the pty
		if n, err := unix.IoctlGetInt(p.fd, unix.TIOCOUTQ); err != nil || n > 0 {
			break
		}
		if fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLOUT}}; poll(fds) == 0 {
			break
		}
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func poll(fds []unix.PollFd) int {
	n, _ := unix.Poll(fds, 0) // interrupted: asked again
	return n
}

// After Close the descriptor's number belongs to somebody else.
func TestNothingReachesReusedDescriptor(t *testing.T) {
	_, p := open(t, Options{})
	old := p.fd
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "innocent")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if int(f.Fd()) != old { // some other file took the number: make it ours
		if err := unix.Dup3(int(f.Fd()), old, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(old)
	}
	_, readErr := p.ReadUntil(make([]byte, 1), soon())
	for _, err := range []error{p.Write([]byte("relay on")), readErr, p.Flush()} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("error = %v, want os.ErrClosed", err)
		}
	}
	if b, err := os.ReadFile(path); err != nil || len(b) != 0 {
		t.Errorf("the other file got %q, %v", b, err)
	}
}

func TestUnplugged(t *testing.T) {
	board, p := open(t, Options{})
	if err := board.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := p.ReadUntil(make([]byte, 1), soon())
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, os.ErrClosed) {
		t.Errorf("ReadUntil = %v, want that the device is gone", err)
	}
	if err := p.Write([]byte{1}); !errors.Is(err, unix.EIO) {
		t.Errorf("Write = %v, want EIO", err)
	}
}

func TestSettings(t *testing.T) {
	_, p := open(t, Options{Baud: 19200, Parity: "even"})
	s, err := unix.IoctlGetTermios(p.fd, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	// a pty drops PARENB; that the library asked for parity shows in INPCK
	if s.Cflag&unix.CBAUD != unix.B19200 || s.Iflag&unix.INPCK == 0 {
		t.Errorf("Cflag = %#o, Iflag = %#o; want B19200 and INPCK", s.Cflag, s.Iflag)
	}
	if s.Cflag&unix.HUPCL != 0 {
		t.Error("HUPCL is set: closing would drop DTR")
	}
	for _, fd := range []int{p.fd, int(p.lock.Fd())} {
		if fl, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || fl&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d is not close-on-exec: %v", fd, err)
		}
	}
}

func TestMode(t *testing.T) {
	for _, c := range []struct {
		o      Options
		baud   int
		parity serial.Parity
	}{
		{Options{}, 9600, serial.NoParity},
		{Options{Baud: 2400, Parity: "none"}, 2400, serial.NoParity},
		{Options{Baud: 115200, Parity: "even"}, 115200, serial.EvenParity},
		{Options{Baud: 50, Parity: "odd"}, 50, serial.OddParity},
	} {
		m, err := c.o.mode()
		if err != nil || m.BaudRate != c.baud || m.Parity != c.parity || m.DataBits != 8 || m.StopBits != serial.OneStopBit {
			t.Errorf("mode of %+v = %+v, %v", c.o, m, err)
		}
	}
}

func TestBadOptions(t *testing.T) {
	_, path := cable(t)
	for _, o := range []Options{{Baud: -1}, {Baud: 49}, {Baud: 5_000_000}, {Parity: "maybe"}} {
		if _, err := Open(path, o); err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("Open(%+v) = %v, want a refusal", o, err)
		}
	}
}

func TestNotAPort(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		file: ErrNotTTY, dir: ErrNotTTY, os.DevNull: ErrNotTTY, filepath.Join(dir, "none"): os.ErrNotExist,
	} {
		if _, err := Open(path, Options{}); !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s) = %v, want %v", path, err, want)
		}
	}
}

func TestOneOwner(t *testing.T) {
	_, path := cable(t)
	link := filepath.Join(t.TempDir(), "by-path")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	p, err := Open(link, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, Options{})
	busy, ok := errors.AsType[*BusyError](err)
	if !ok || !errors.Is(err, ErrBusy) {
		t.Fatalf("second Open = %v, want BusyError", err)
	}
	if me := strconv.Itoa(os.Getpid()); busy.Owner != "" && !strings.Contains(busy.Owner, me) {
		t.Errorf("owner = %q, want process %s", busy.Owner, me)
	}
	t.Log(err)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p, err = Open(path, Options{})
	if err != nil {
		t.Fatalf("Open after Close: %v", err)
	}
	_ = p.Close()
}

// The library panics above descriptor 1,023; we say a sentence.
func TestManyOpenFiles(t *testing.T) {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil || lim.Cur < 1100 {
		t.Skipf("needs 1100 open files, the limit is %d", lim.Cur)
	}
	_, path := cable(t)
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.Fd() >= maxFD {
			break
		}
	}
	_, err := Open(path, Options{})
	if err == nil || !strings.Contains(err.Error(), "too many open files") {
		t.Fatalf("Open = %v, want a refusal", err)
	}
}
