package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"longarm/hw/clock"
)

const (
	blue = "34"
	cyan = "36"

	laneWidth = len("service -> operator")
	// tellHold is how long a line waits for an earlier one from another source.
	tellHold = 40 * time.Millisecond
	// nameHold is how long a line with the id of a call waits for that call's
	// name: the trace may be read before the service's event arrives.
	nameHold = 2 * time.Second
)

// callID is a message id that has no name yet.
var callID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// Ranks order lines of the same millisecond, which is as fine as the service's
// times are: what causes comes before what is caused.
const (
	rankHead = iota
	rankQueued
	rankDelivered
	rankAcknowledged
	rankEdge
	rankClosed
	rankBox
	rankCheck
)

// teller prints lines in the order of their times, which come from sources
// that are read at different moments. Safe for concurrent use.
type teller struct {
	w     io.Writer
	p     painter
	start time.Time     // wall clock, whole milliseconds
	base  time.Time     // wall clock at the moment of mono
	mono  time.Duration // CLOCK_MONOTONIC, the clock of the trace

	mu      sync.Mutex
	pending []demoLine
	epoch   int
	names   map[string]string // of calls, by their ids
}

// demoLine is a line that waits to be printed.
type demoLine struct {
	epoch, rank int
	at          time.Duration // since the start
	came        time.Time
	text        string
	edge        bool // says why, by a call's id
}

func newTeller(w io.Writer, p painter) *teller {
	t := &teller{w: w, p: p, base: time.Now().Round(0), mono: clock.Monotonic()}
	t.start = t.base.Truncate(time.Millisecond)
	return t
}

// traced is the wall-clock time of t_us of a trace line.
func (t *teller) traced(us int64) time.Time {
	return t.base.Add(time.Duration(us)*time.Microsecond - t.mono)
}

// say tells that at some time one said something to another.
func (t *teller) say(at time.Time, rank int, from, to, text string) {
	since := at.Sub(t.start).Truncate(time.Millisecond)
	lane := from + " → " + to
	pad := strings.Repeat(" ", max(0, laneWidth-utf8.RuneCountInString(lane)))
	lane = t.p.paint(laneColours[from], from) + t.p.paint(dim, " → ") + t.p.paint(laneColours[to], to)
	t.add(demoLine{rank: rank, at: since, edge: rank == rankEdge, text: fmt.Sprintf("%s  %s%s  %s", t.p.paint(dim, fmt.Sprintf("%6d ms", since.Milliseconds())), lane, pad, text)})
}

// laneColours of those who speak; a line that moves has the last one.
var laneColours = map[string]string{
	"operator": bold, "service": cyan, "agent": green, "world": blue,
	"lcus": magenta, "modbus": magenta, "clone": magenta,
	"router": yellow, "lamp": yellow, "pump": yellow, "valve": yellow, "fan": yellow,
}

// proofColours: the less was proved, the more it warns.
var proofColours = map[string]string{"sim": dim, "sent": yellow, "acked": cyan, "readback": green}

// proof colours the proof that a text begins with, or names.
func (p painter) proof(text string) string {
	for word, colour := range proofColours {
		if rest, ok := strings.CutPrefix(text, word+":"); ok {
			return p.paint(colour, word) + ":" + rest
		}
		text = strings.Replace(text, "proof: "+word, "proof: "+p.paint(colour, word), 1)
	}
	return text
}

// step is called before the demo does something: what is seen afterwards is
// printed after what was seen before, whatever the milliseconds say.
func (t *teller) step() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.epoch++
}

// head starts a chapter.
func (t *teller) head(text, more string) {
	t.step()
	text = "\n" + t.p.paint(bold, text)
	if more != "" {
		text += t.p.paint(dim, "  "+more)
	}
	t.add(demoLine{rank: rankHead, at: time.Since(t.start), text: text})
}

// check tells that something is as expected.
func (t *teller) check(text string) { t.note(t.p.paint(green, "ok") + "  " + text) }

// note tells something that nobody said.
func (t *teller) note(text string) {
	t.step()
	t.add(demoLine{rank: rankCheck, at: time.Since(t.start), text: strings.Repeat(" ", 11) + text})
}

func (t *teller) add(l demoLine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.epoch, l.came, l.at = t.epoch, time.Now(), l.at.Truncate(time.Millisecond)
	t.pending = append(t.pending, l)
}

// run prints until ctx ends; what is left then is for flush.
func (t *teller) run(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.flush(false)
		}
	}
}

// name gives a call its short name, also in lines that wait already.
func (t *teller) name(id, short string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names == nil {
		t.names = map[string]string{}
	}
	t.names[id] = short
}

// due names the calls of a line and tells whether it has waited long enough.
func (t *teller) due(l *demoLine) bool {
	named := true
	if l.edge {
		l.text = callID.ReplaceAllStringFunc(l.text, func(id string) string {
			short, ok := t.names[id]
			named = named && ok
			return cmp.Or(short, id)
		})
	}
	waited := time.Since(l.came)
	return waited >= tellHold && (named || waited >= nameHold)
}

// flush prints what has waited long enough, or everything.
func (t *teller) flush(all bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.pending, func(a, b demoLine) int {
		return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank))
	})
	n := 0
	for n < len(t.pending) && (t.due(&t.pending[n]) || all) {
		fmt.Fprintln(t.w, t.pending[n].text)
		n++
	}
	t.pending = slices.Delete(t.pending, 0, n)
}
