package board_test

import (
	"context"
	"fmt"
	"sync"
	"testing/synctest"
	"time"

	"longarm/device"
	"longarm/device/board"
	"longarm/device/board/boardsim"
)

// memory is what survives the agent's side: its journal.
type memory struct {
	mu     sync.Mutex
	frozen bool // whoever writes now is dead
	begun  map[string]device.Unfinished
	leases map[string]string
}

func newMemory() *memory {
	return &memory{begun: map[string]device.Unfinished{}, leases: map[string]string{}}
}

// write does something to a memory whose owner lives.
func (m *memory) write(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.frozen {
		f()
	}
}

func (m *memory) lease(target, call string, open bool) {
	m.write(func() {
		if delete(m.leases, target); open {
			m.leases[target] = call
		}
	})
}

// left is what a new life must settle, and the memory that it goes on with.
func (m *memory) left() (left []device.Unfinished, next *memory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next = newMemory()
	for id, u := range m.begun {
		left, next.begun[id] = append(left, u), u
	}
	for target, call := range m.leases {
		left = append(left, device.Unfinished{Target: target, Kind: device.KindLease, Call: call, SameBoot: true})
		next.leases[target] = call
	}
	return left, next
}

// life is one run of the agent's side.
type life struct {
	w       *site
	memory  *memory
	old     map[string]bool // ids and targets that an earlier life left open
	box     *device.Box
	boards  []*board.Board
	endBox  context.CancelFunc
	endPort context.CancelFunc
	boxRuns sync.WaitGroup
	running sync.WaitGroup

	mu   sync.Mutex
	dead bool // no byte of it goes out any more
	ends []*boardsim.End
}

// live starts a life that goes on where the memory ends.
func (w *site) live(m *memory) *life {
	left, next := m.left()
	l := &life{w: w, memory: next, old: map[string]bool{}}
	for _, u := range left {
		l.old[u.Call], l.old[u.Target] = true, true
	}
	port := board.NewPort(l.open, board.PortOptions{})
	spec := device.Spec{}
	for i := range w.sims {
		b, err := port.Add(board.Spec{Name: fmt.Sprint("b", i+1), Driver: w.family.Name, Channels: w.size(), Unit: w.unit(i),
			Map: board.Map{Function: 6, On: 1, Read: 3}})
		if err != nil {
			w.t.Fatal(err)
		}
		l.boards = append(l.boards, b)
	}
	for _, o := range w.outs {
		spec.Outputs = append(spec.Outputs, o.spec)
	}
	l.box = device.New(spec, l, device.Options{LeaseChanged: next.lease})
	base := context.WithoutCancel(w.t.Context())
	var portCtx, boxCtx context.Context
	portCtx, l.endPort = context.WithCancel(base)
	boxCtx, l.endBox = context.WithCancel(base)
	l.running.Go(func() { port.Run(portCtx) })
	if errs := l.box.Open(base); len(errs) > 0 {
		w.t.Fatal(errs)
	}
	settle, done := context.WithTimeout(base, 5*time.Second)
	l.box.Settle(settle, left)
	done()
	l.boxRuns.Go(func() { _ = l.box.Run(boxCtx) }) // what it did not settle stays in the memory
	synctest.Wait()
	l.settled()
	return l
}

// open is the port of a life, which a crash cuts off.
func (l *life) open() (board.Wire, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return nil, errUnplugged
	}
	e, err := l.w.cable.Open()
	if err != nil {
		return nil, err
	}
	l.ends = append(l.ends, e)
	return e, nil
}

func (l *life) OpenOutput(s device.OutputSpec) (device.Line, error) {
	return l.boards[s.Board[0]-'0'].Channel(s.Channel)
}

func (l *life) OpenInput(device.InputSpec, func(bool)) (device.Level, error) {
	return nil, errUnplugged
}

// end ends a life: in order, or as a SIGKILL does, after which it says and
// writes nothing more.
func (l *life) end(orderly bool) {
	if !orderly {
		l.memory.write(func() { l.memory.frozen = true })
		l.mu.Lock()
		l.dead = true
		for _, e := range l.ends {
			_ = e.Close() // it has no other error
		}
		l.mu.Unlock()
	}
	l.endBox()
	l.boxRuns.Wait()
	l.w.calls.Wait()
	l.endPort()
	l.running.Wait()
}

// settled closes what earlier lives left, once it is settled, as the agent does.
func (l *life) settled() {
	for _, s := range l.box.Report() {
		if s.Detail != "" || !l.old[s.Name] {
			continue
		}
		l.memory.write(func() {
			for id, u := range l.memory.begun {
				if u.Target == s.Name && l.old[id] {
					delete(l.memory.begun, id)
				}
			}
			if l.old[l.memory.leases[s.Name]] {
				delete(l.memory.leases, s.Name)
			}
		})
	}
}
