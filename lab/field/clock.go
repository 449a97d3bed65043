package field

import (
	"syscall"
	"testing"

	"longarm/lab/guest"
)

// Counted asks for a cold systemd guest whose clock counts instructions: 2 ns each, which
// is about a Raspberry Pi Zero (its shell counts to 200,000 in 5.3 s of that clock), and
// the same however busy the host is. While the guest is idle its time runs ahead, an hour
// in some ten seconds.
func Counted() guest.Options {
	return guest.Options{Mode: "systemd", Virtual: true, QEMU: []string{"-icount", "shift=1,sleep=off"}}
}

// Brake keeps a Counted guest from being idle: its time does not run ahead of the host's,
// as it must not while the guest waits for the host.
type Brake struct {
	t    testing.TB
	proc *guest.Proc
}

// PutBrake starts a guest's brake; it is on.
func PutBrake(t testing.TB, g *guest.Guest) *Brake {
	t.Helper()
	// The idle class runs only when nothing else wants to.
	p, err := g.Spawn(&transcript{}, &transcript{}, nil, "/usr/bin/chrt", "--idle", "0", "/bin/sh", "-c", "while :; do :; done")
	if err != nil {
		t.Fatalf("brake: %v", err)
	}
	return &Brake{t, p}
}

// Off lets time run ahead.
func (b *Brake) Off() { b.t.Helper(); b.signal(syscall.SIGSTOP) }

// On keeps it back again.
func (b *Brake) On() { b.t.Helper(); b.signal(syscall.SIGCONT) }

func (b *Brake) signal(s syscall.Signal) {
	b.t.Helper()
	if err := b.proc.Signal(s); err != nil {
		b.t.Fatalf("brake: %v", err)
	}
}
