package guest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"longarm/lab/wire"
)

// Proc is a program running in the guest.
type Proc struct {
	g    *Guest
	id   int64
	done chan struct{}
	code int
	err  error
}

// Spawn starts a program; its output goes to out and errw as it comes. A program that
// cannot be started is an error here.
func (g *Guest) Spawn(out, errw io.Writer, env []string, argv ...string) (*Proc, error) {
	if len(argv) == 0 {
		return nil, errors.New("spawn: no program")
	}
	q := wire.Request{Op: "exec", Argv: argv, Env: env}
	replies, err := g.control.send(&q)
	if err != nil {
		return nil, err
	}
	// Its id is good for signals only once it runs.
	first, ok := <-replies
	switch {
	case !ok:
		return nil, ErrGone
	case first.Ev == wire.Fail:
		return nil, fmt.Errorf("run %s in the guest: %s", argv[0], first.Msg)
	}
	p := &Proc{g: g, id: q.ID, done: make(chan struct{}), code: -1, err: ErrGone}
	go p.follow(replies, out, errw)
	return p, nil
}

func (p *Proc) follow(replies <-chan wire.Reply, out, errw io.Writer) {
	defer close(p.done)
	for r := range replies {
		switch r.Ev {
		case wire.Out:
			_, _ = out.Write(r.Data) // a writer that fails loses output, not the program
		case wire.Err:
			_, _ = errw.Write(r.Data)
		case wire.Exit:
			p.code, p.err = r.Code, nil
			return
		}
	}
}

// Wait returns the exit code, 128+n for signal n.
func (p *Proc) Wait() (int, error) { <-p.done; return p.code, p.err }

// Signal sends a signal to the program.
func (p *Proc) Signal(s syscall.Signal) error {
	_, err := p.g.Do(wire.Request{Op: "kill", Ref: p.id, Sig: int(s)})
	return err
}

// Run runs a program to its end and returns its output, both streams together.
func (g *Guest) Run(argv ...string) (string, int, error) {
	var b output
	p, err := g.Spawn(&b, &b, nil, argv...)
	if err != nil {
		return "", -1, err
	}
	code, err := p.Wait()
	return b.String(), code, err
}

// output collects what a program prints; safe for concurrent use.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
