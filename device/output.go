package device

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// workLimit bounds one piece of hardware work: a board with eight channels
// asked at once needs about 4 s. Less than WatchdogSec in longarm-agent.service.
const workLimit = 10 * time.Second

// output is one output and its owner: loop is the only goroutine that touches
// the fields below inbox. It never waits for a disk or for the hardware; the
// hand (hand.go) does that. Others send it functions through the inbox.
type output struct {
	spec  OutputSpec
	box   *Box
	shown board
	baton chan struct{} // held by the loop that runs
	inbox chan func()

	gate   *gate // the only way to the line
	fault  error // the line could not be opened
	news   <-chan struct{}
	active bool
	known  bool
	proof  string // of the last edge or read
	trying error  // of the last hardware work; nil: it worked

	queue []*order
	busy  *order // in the hand
	jobs  chan *order
	done  chan *order

	cur      *act // reserved or running
	safes    int  // moves towards safe that wait for the journal
	lease    string
	leased   bool
	goal     *goal // a level that must be reached, whatever fails
	latched  bool  // power-fail
	stopping bool
	offline  bool // safe for this absence of the service already
	asked    bool // the unknown level was asked for in vain

	onSince  time.Time // zero: the load is off
	lastEdge time.Time // zero: none yet
	starts   []time.Time
	timing   bool // the hardware was told to bring the line back by itself
	sensing  *sensing
	gone     time.Duration // the hardware is not there: the pause of its search
	shows    *input        // what the load really does; nil = nobody knows
	doubt    string        // the load was not where the line is, when it was looked at last

	width, leaseEnd, maxOn, retry, way, sense, search alarm
}

func newOutput(b *Box, s OutputSpec) *output {
	o := &output{spec: s, box: b, gate: newGate(s), proof: "sent", baton: make(chan struct{}, 1), inbox: make(chan func()), done: make(chan *order, 1)}
	o.fault = fmt.Errorf("not opened yet")
	o.show()
	return o
}

// open opens the line; it runs before the loop.
func (o *output) open(ctx context.Context, hw Hardware) error {
	defer o.show()
	if o.fault = ctx.Err(); o.fault != nil {
		return o.fault
	}
	defer o.box.guard("output " + o.spec.Name)()
	line, err := hw.OpenOutput(o.startSpec())
	if err != nil {
		o.fault = err
		o.gate.failed(err)
		return err
	}
	o.gate.open(line)
	if n, ok := line.(Notifier); ok {
		o.news = n.Changes()
	}
	active, known, err := o.gate.active()
	o.trying = err
	o.recallOn()
	o.see(active, known && err == nil)
	if o.known {
		o.proof = proofOf(line)
	}
	o.startGoal(true)
	o.watch(err)
	return nil
}

// loop owns the output until quit, then waits for the hand.
func (o *output) loop(quit <-chan struct{}) {
	if !grab(o.baton, quit) {
		return
	}
	defer func() { <-o.baton }()
	var hand sync.WaitGroup
	defer hand.Wait()
	o.jobs = make(chan *order, 1)
	defer close(o.jobs)
	hand.Go(func() { o.work(o.jobs) })
	for !o.quiet(quit) {
		o.pump()
		o.show()
		select {
		case f := <-o.inbox:
			f()
		case ord := <-o.done:
			o.finished(ord)
		case <-o.width.C():
			o.widthOver()
		case <-o.leaseEnd.C():
			o.leaseOver()
		case <-o.maxOn.C():
			o.force(o.spec.ActiveFor(LoadOff), "max on", "ended by max on", nil, nil)
		case <-o.retry.C():
			o.pursue()
		case <-o.news:
			o.look()
		case <-o.way.C():
			o.heed()
		case <-o.gate.bell:
			o.heed()
		case <-o.sense.C():
			o.senseNow()
		case v := <-o.senses():
			o.sensed(v)
		case <-o.search.C():
			o.seek()
		case <-quit:
		}
	}
	o.show()
}

// quiet says that the loop may end: it shall, and the hand is empty.
func (o *output) quiet(quit <-chan struct{}) bool {
	select {
	case <-quit:
	default:
		return false
	}
	if o.busy != nil {
		o.finished(<-o.done)
	}
	return o.busy == nil
}

// tell gives the owner something to do. It says false when ctx ends first or
// the box is closed: then f never runs.
func (o *output) tell(ctx context.Context, f func()) bool {
	select {
	case o.inbox <- f:
		return true
	case <-ctx.Done():
	case <-o.box.closed:
	}
	return false
}

// see takes note of the level and says whether it is another than before. An
// unknown level does not stop max_on: what was on may be on still.
func (o *output) see(active, known bool) (other bool) {
	other = known && (!o.known || o.active != active)
	o.active, o.known = active && known, known
	switch {
	case o.load() == LoadOff:
		o.turnedOff()
	case known && o.spec.MaxOn > 0 && o.onSince.IsZero():
		o.turnedOn()
	}
	return other
}

// load is what the load has now.
func (o *output) load() Load {
	if !o.known {
		return LoadUnknown
	}
	return o.spec.LoadFor(o.active)
}

// at says that the line is known to be at the level and nothing is under way
// that could change that.
func (o *output) at(active bool) bool {
	return o.known && o.active == active && !o.driving() && o.goal == nil
}

// driving says that the hand has a level to set, or will have.
func (o *output) driving() bool {
	sets := func(ord *order) bool { return ord.op == opSet || ord.op == opBack }
	return o.busy != nil && sets(o.busy) || slices.ContainsFunc(o.queue, sets)
}

// proves says that a level is worth sending again, since the line remembers
// what it was told and cannot always be read.
func (o *output) proves() bool {
	return o.gate.prover != nil
}

// alarm is a timer that need not be there.
type alarm struct{ t *time.Timer }

func (a *alarm) set(d time.Duration) {
	if a.t == nil {
		a.t = time.NewTimer(d)
		return
	}
	a.t.Reset(d)
}

func (a *alarm) stop() {
	if a.t != nil {
		a.t.Stop()
	}
}

// C is nil, which blocks, while the alarm was never set.
func (a *alarm) C() <-chan time.Time {
	if a.t == nil {
		return nil
	}
	return a.t.C
}
