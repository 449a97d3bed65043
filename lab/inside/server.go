package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"longarm/lab/wire"
)

// server answers the host's requests, each in a goroutine of its own.
type server struct {
	lines map[string]string // see linesFile

	out sync.Mutex
	enc *json.Encoder

	mu       sync.Mutex
	programs map[int64]*os.Process // those that run, by request
}

// serve never returns once it has its port.
func serve() error {
	f, err := openControl()
	if err != nil {
		return err
	}
	s := &server{lines: readLines(), enc: json.NewEncoder(f), programs: map[int64]*os.Process{}}
	if _, err := f.Write([]byte("\n")); err != nil { // ends what noise setting up a UART has sent
		return err
	}
	s.reply(wire.Reply{Ev: wire.Hello})
	s.read(f)
	return nil
}

func (s *server) read(f *os.File) {
	for r := bufio.NewReaderSize(f, 1<<20); ; {
		line, err := r.ReadBytes('\n')
		if err != nil { // the host's end closed; it may come back
			wait(20 * time.Millisecond)
			r.Reset(f)
			continue
		}
		var q wire.Request
		switch {
		case json.Unmarshal(line, &q) != nil: // noise, such as a line cut short by a reconnect
		case q.Op == "put": // in order, since the parts of one file follow each other
			s.answer(q)
		default:
			go s.answer(q)
		}
	}
}

func (s *server) reply(r wire.Reply) {
	if r.NS == 0 {
		r.NS = mono()
	}
	s.out.Lock()
	defer s.out.Unlock()
	_ = s.enc.Encode(r) // the host's end closed: nobody to tell
}

// mono is CLOCK_MONOTONIC.
func mono() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // it cannot fail
	return ts.Nano()
}

func (s *server) answer(q wire.Request) {
	ok := wire.Reply{ID: q.ID, Ev: wire.OK}
	switch err := s.do(q, &ok); {
	case err != nil:
		s.reply(wire.Reply{ID: q.ID, Ev: wire.Fail, Code: -1, Msg: err.Error()})
	case q.Op != "exec": // which has said how it ended
		s.reply(ok)
	}
	if q.Op == "poweroff" {
		unix.Sync()
		wait(5 * time.Millisecond)
		_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF) // only root may, and we are
	}
}

// do does what is asked, and adds to the answer.
func (s *server) do(q wire.Request, ok *wire.Reply) (err error) {
	switch q.Op {
	case "hello", "poweroff":
	case "exec":
		return s.run(q)
	case "kill":
		return s.kill(q)
	case "put":
		return putPart(q)
	case "copy":
		return copyFile(q.Src, q.Path, os.FileMode(q.Mode))
	case "link":
		return relink(q.Src, q.Path)
	case "get":
		return s.getFile(q)
	case "share":
		return mountShare(q.Path)
	case "pull":
		var dir string
		if dir, err = s.line(q.Line); err == nil {
			ok.NS = mono()
			err = pull(dir, q.Val)
		}
	case "value":
		ok.Code, err = s.value(q.Line)
	case "waitvalue":
		ok.Code = q.Val
		return s.awaitValue(q)
	case "trace":
		return traceOutputs()
	case "resume":
		return resume(q)
	default:
		return fmt.Errorf("unknown op %q", q.Op)
	}
	return err
}

// resume is told to a machine that was saved and goes on later, maybe many times over.
func resume(q wire.Request) error {
	f, err := os.OpenFile("/dev/urandom", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // what was written is in
	if _, err := f.Write(q.Data); err != nil {
		return err
	}
	const reseed = 0x5207 // RNDRESEEDCRNG, linux/random.h: from what was just written
	if err := unix.IoctlSetInt(int(f.Fd()), reseed, 0); err != nil {
		return fmt.Errorf("reseed: %w", err)
	}
	tv := unix.NsecToTimeval(q.NS)
	return unix.Settimeofday(&tv)
}
