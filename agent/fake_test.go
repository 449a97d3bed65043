package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"longarm/agent/journal"
	"longarm/device"
	"longarm/push"
)

// fakeLink is a service in memory: it hands out calls, and writes down who
// said what, in order.
type fakeLink struct {
	mu      sync.Mutex
	said    []string
	results map[string]push.Result
	events  []push.Event // of the last report

	calls chan push.Call
	down  bool // every exchange fails
	ack   func(id string) (push.Reply, error)
	slow  time.Duration // of each acknowledgement
	hang  chan struct{} // not nil: Poll and SignOff hang until it closes
	armed atomic.Value  // reason and number of the newest prepared sign-off
	warms atomic.Int64  // KeepWarm was asked
	fresh atomic.Int64  // Pause(nil): the back-off was reset
	stuck atomic.Bool   // results and states are never answered
	wait  time.Duration // pause after a failed poll; 0: 2 s

	slowSignOff atomic.Bool // SignOffNow can't write

	asked []asked                                              // calls to other containers
	taken func(ctx context.Context, n int) (push.Reply, error) // answers the nth of them; nil: yes

	refuse map[string]int // HTTP status that answers the result of an id
}

var errDown = errors.New("connection refused")

func newFakeLink() *fakeLink {
	return &fakeLink{calls: make(chan push.Call), results: map[string]push.Result{}}
}

func (l *fakeLink) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, fmt.Sprintf(format, args...))
}

func (l *fakeLink) isDown() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down
}

func (l *fakeLink) setDown(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

func (l *fakeLink) Poll(ctx context.Context, n uint64) (push.Call, error) {
	if l.hang != nil {
		<-l.hang
		return push.Call{}, errDown
	}
	if l.isDown() {
		return push.Call{}, errDown
	}
	l.note("poll %d", n&0xffffffff)
	timer := time.NewTimer(push.Hold)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return push.Call{}, ctx.Err()
	case c := <-l.calls:
		return c, nil
	case <-timer.C:
		return push.Call{}, push.ErrIdle
	}
}

func (l *fakeLink) Pause(err error) time.Duration {
	if err == nil {
		l.fresh.Add(1)
	}
	if err == nil || errors.Is(err, push.ErrIdle) {
		return 0
	}
	if l.wait > 0 {
		return l.wait
	}
	return 2 * time.Second
}

func (l *fakeLink) KeepWarm(context.Context) error {
	l.warms.Add(1)
	if l.isDown() {
		return errDown
	}
	return nil
}

func (l *fakeLink) Ack(ctx context.Context, _, id string) (push.Reply, error) {
	if l.slow > 0 {
		timer := time.NewTimer(l.slow)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return push.Reply{}, ctx.Err()
		case <-timer.C:
		}
	}
	if l.isDown() {
		return push.Reply{}, errDown
	}
	l.note("ack %s", id)
	if l.ack != nil {
		return l.ack(id)
	}
	return push.Reply{Success: true}, nil
}

func (l *fakeLink) Result(ctx context.Context, _, id string, r push.Result) (push.Reply, error) {
	if l.stuck.Load() {
		<-ctx.Done()
		return push.Reply{}, ctx.Err()
	}
	if status := l.refuse[id]; status != 0 {
		l.note("refused %s", id)
		return push.Reply{}, &push.Refusal{Status: status}
	}
	if l.isDown() {
		return push.Reply{}, errDown
	}
	l.note("result %s %v", id, r.Success)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.results[id] = r
	return push.Reply{Success: true}, nil
}

func (l *fakeLink) State(ctx context.Context, r push.Report) error {
	if l.stuck.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	if l.isDown() {
		return errDown
	}
	l.note("state at %s", time.Now().Format(time.RFC3339Nano))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = r.Agent.Events
	return nil
}

func (l *fakeLink) Greet(context.Context) error {
	if l.isDown() {
		return errDown
	}
	return nil
}

func (l *fakeLink) Ours() bool  { return true }
func (l *fakeLink) Armed() bool { return true }

func (l *fakeLink) ArmSignOff(reason string, n uint64) {
	l.armed.Store(fmt.Sprintf("%s %d", reason, n))
}

func (l *fakeLink) SignOff(ctx context.Context, reason string, n uint64) error {
	if l.hang != nil || ctx.Err() != nil {
		<-ctx.Done()
		return ctx.Err()
	}
	if l.isDown() {
		return errDown
	}
	l.note("signoff %s %d", reason, n&0xffffffff)
	return nil
}

func (l *fakeLink) SignOffNow(reason string, n uint64) func(context.Context) error {
	if l.slowSignOff.Load() || l.hang != nil || l.isDown() {
		return nil
	}
	l.note("signoff %s %d", reason, n&0xffffffff)
	return func(context.Context) error { return nil }
}

// log returns what was said so far. Polls and state reports, which run beside
// the calls and have no order against them, are left out.
func (l *fakeLink) log() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, s := range l.said {
		if !strings.HasPrefix(s, "state") && !strings.HasPrefix(s, "poll") {
			out = append(out, s)
		}
	}
	return out
}

// count is how often something that starts with prefix was said.
func (l *fakeLink) count(prefix string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, s := range l.said {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

// answer is the data of the result of id, "" states when there is none.
func (l *fakeLink) answer(t *testing.T, id string) device.Answer {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var ans device.Answer
	r, ok := l.results[id]
	if !ok {
		return ans
	}
	if err := json.Unmarshal(r.Data, &ans); err != nil {
		t.Fatalf("result of %s: %v in %s", id, err, r.Data)
	}
	return ans
}

// fakeLine is a relay that writes its edges into the link's log, so that their
// order against the wire shows.
type fakeLine struct {
	name   string
	link   *fakeLink
	active bool
	block  chan struct{} // not nil: Set hangs until it closes
	broken atomic.Bool   // Set fails
}

func (f *fakeLine) Set(active bool, why string) (string, error) {
	if f.block != nil {
		<-f.block
	}
	if f.broken.Load() {
		return "", errors.New("relay is gone")
	}
	if f.active != active {
		f.active = active
		f.link.note("edge %s %v, %s", f.name, active, why)
	}
	return "sim", nil
}

func (f *fakeLine) Active() (bool, bool, error) { return f.active, true, nil }

type fakeHardware struct {
	lines  map[string]*fakeLine
	inputs map[string]*fakeInput
}

// fakeInput is an input that a test moves.
type fakeInput struct {
	active atomic.Bool
	edge   func(bool)
}

func (in *fakeInput) Active() (bool, error) { return in.active.Load(), nil }

func (in *fakeInput) move(active bool) {
	in.active.Store(active)
	in.edge(active)
}

func (h *fakeHardware) OpenOutput(s device.OutputSpec) (device.Line, error) {
	if h.lines[s.Name] == nil {
		return nil, errors.New("no such line")
	}
	return h.lines[s.Name], nil
}

func (h *fakeHardware) OpenInput(s device.InputSpec, edge func(bool)) (device.Level, error) {
	in := h.inputs[s.Name]
	if in == nil {
		return nil, errors.New("no such input")
	}
	in.edge = edge
	return in, nil
}

// bench is an agent on a bench: a fake service, two relays, a real journal.
type bench struct {
	t       *testing.T
	link    *fakeLink
	router  *fakeLine
	lamp    *fakeLine
	inputs  map[string]*fakeInput
	dir     string
	options Options
	agent   *Agent
	journal *journal.Journal
	lost    atomic.Bool // level of the power-fail line
	spec    device.Spec
	stop    context.CancelFunc
	ended   chan struct{}
}

func newBench(t *testing.T) *bench {
	link := newFakeLink()
	return &bench{
		t: t, link: link, dir: t.TempDir(), ended: make(chan struct{}),
		router:  &fakeLine{name: "router", link: link},
		lamp:    &fakeLine{name: "lamp", link: link},
		options: Options{Version: "test", BootID: "boot-1", Service: "push.test"},
		spec: device.Spec{Outputs: []device.OutputSpec{
			{Name: "router", Line: device.LineRef{Line: "r"}, Contact: device.ContactNC},
			{Name: "lamp", Line: device.LineRef{Line: "l"}},
		}},
	}
}

func (b *bench) openJournal() {
	b.t.Helper()
	j, err := journal.Open(b.dir, journal.Options{Owner: "test"})
	if err != nil {
		b.t.Fatal(err)
	}
	b.journal = j
}

// start runs the agent inside the bubble; t.Cleanup ends it.
func (b *bench) start() {
	b.t.Helper()
	if b.journal == nil {
		b.openJournal()
	}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("LONGARM_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	watchdog := NewWatchdog()
	box := b.openBox(log, watchdog)
	o := b.options
	o.Log, o.Link, o.Box, o.Journal, o.Watchdog = log, b.link, box, b.journal, watchdog
	if o.Power != nil {
		o.Lost = func() (bool, error) { return b.lost.Load(), nil }
	}
	b.agent = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	go func() {
		defer close(b.ended)
		if err := b.agent.Run(ctx); err != nil {
			b.t.Error("agent ended with", err)
		}
	}()
	synctest.Wait()
}

// openBox opens the box; a line that is nil can't be opened.
func (b *bench) openBox(log *slog.Logger, watchdog *Watchdog) *device.Box {
	b.t.Helper()
	b.spec.PowerFail = b.options.Power
	lines := map[string]*fakeLine{"router": b.router, "lamp": b.lamp}
	box := device.New(b.spec, &fakeHardware{lines, b.inputs}, device.Options{Log: log, Guard: watchdog.Guard, LeaseChanged: b.leaseChanged})
	for _, err := range box.Open(b.t.Context()) {
		if b.lamp != nil && b.router != nil {
			b.t.Fatal(err)
		}
	}
	return box
}

func (b *bench) leaseChanged(target, call string, open bool) {
	err := b.journal.LeaseClosed(target)
	if open {
		err = b.journal.LeaseOpened(target, call)
	}
	if err != nil {
		b.t.Error(err)
	}
}

// again makes the bench ready for another start on the same state dir.
func (b *bench) again() {
	b.ended = make(chan struct{})
	b.openJournal()
}

// end stops the agent and waits.
func (b *bench) end() {
	b.stop()
	<-b.ended
	if err := b.journal.Close(); err != nil {
		b.t.Error(err)
	}
}

// call delivers a call on the held poll.
func (b *bench) call(id, data string) {
	b.link.calls <- push.Call{ContainerID: "c", MessageID: id, Data: data, TTL: time.Minute}
	synctest.Wait()
}

func (b *bench) wantState(id, state string) device.Answer {
	b.t.Helper()
	ans := b.link.answer(b.t, id)
	if ans.State != state {
		b.t.Errorf("call %s: got state %q (%s), want %q", id, ans.State, ans.Detail, state)
	}
	return ans
}

// bubble runs f with fake time.
func bubble(t *testing.T, f func(b *bench)) {
	synctest.Test(t, func(t *testing.T) { f(newBench(t)) })
}

// wantLog holds the whole conversation against want.
func (b *bench) wantLog(want ...string) {
	b.t.Helper()
	got := b.link.log()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("conversation:\n got %q\nwant %q", got, want)
	}
}
