package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"longarm/push"
)

const (
	watchPauseMin = time.Second
	watchPauseMax = 30 * time.Second
)

const watchHelp = `watch [NAME-OR-ID] [-json]

Follows the calls and the boxes as they change, one line an event, until ctrl-C.
When the service goes away it tries again by itself.

  longarm watch
  longarm watch shop-12
  longarm watch -json | jq -c 'select(.event == "call") | .data'
`

// watcher prints the events of all containers or of one.
type watcher struct {
	c     command
	a     *api
	p     painter
	json  bool
	only  string            // id of the one container, "" for all
	names map[string]string // lower-case id → name
	lines map[string]string // last line of each container, to spare repetitions
}

func watch(ctx context.Context, c command) int {
	var t target
	f := c.newFlags("watch", watchHelp)
	asJSON := f.Bool("json", false, `print {"event":…,"data":…}, one a line`)
	t.flag(f)
	words, code, done := f.parse(0, 1)
	if done {
		return code
	}
	a, err := c.connect(t)
	if err != nil {
		return c.fault(nil, err)
	}
	w := &watcher{c: c, a: a, p: c.painter(c.stdout), json: *asJSON, names: map[string]string{}, lines: map[string]string{}}
	if len(words) > 0 {
		d, err := a.find(ctx, words[0])
		if err != nil {
			return c.fault(a, err)
		}
		w.only = d.ID
	}
	return w.run(ctx)
}

// run follows the stream until ctx ends. The first connection must succeed;
// later losses are bridged, with a growing pause between attempts.
func (w *watcher) run(ctx context.Context) int {
	limit, said, ever := watchPauseMin, false, false
	for {
		connected, err := w.follow(ctx, ever, said)
		if ctx.Err() != nil {
			return exitDone
		}
		if ever = ever || connected; !ever || hopeless(err) {
			return w.c.fault(w.a, err)
		}
		if connected {
			limit, said = watchPauseMin, false
		}
		if !said {
			fmt.Fprintf(w.c.stderr, "longarm: the service went away (%s); trying again\n", explain(w.a, err))
			said = true
		}
		if !pause(ctx, limit/10+rand.N(limit)) {
			return exitDone
		}
		limit = min(2*limit, watchPauseMax)
	}
}

// hopeless reports whether the service answered what time does not mend.
func hopeless(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.Status/100 == 4 && r.Status != http.StatusTooManyRequests
}

// follow connects once and prints events until the stream breaks. After a gap
// it first prints what changed meanwhile.
func (w *watcher) follow(ctx context.Context, again, said bool) (connected bool, err error) {
	list, _, err := w.a.containers(ctx)
	if err != nil {
		return false, err
	}
	if said {
		fmt.Fprintln(w.c.stderr, "longarm: the service is back; calls of the time between are not shown")
	}
	for _, d := range list {
		w.names[strings.ToLower(d.ID)] = d.Name
		if again && !w.json {
			w.container(d)
		}
		w.lines[d.ID] = w.state(d)
	}
	err = w.a.events(ctx, func(e event) error {
		w.take(e)
		return nil
	})
	if errors.Is(err, io.EOF) {
		err = errors.New("it closed the event stream")
	}
	return true, err
}

// take prints one event. An event of a kind that is not known is no fault.
func (w *watcher) take(e event) {
	var call callDoc
	var box containerDoc
	switch {
	case e.name == "call" && json.Unmarshal(e.data, &call) == nil:
		if !w.wanted(call.Container) {
			return
		}
		if !w.json {
			w.call(call)
		}
	case e.name == "container" && json.Unmarshal(e.data, &box) == nil:
		w.names[strings.ToLower(box.ID)] = box.Name
		if !w.wanted(box.ID) {
			return
		}
		if !w.json {
			w.container(box)
		}
	default:
		return
	}
	if w.json {
		w.c.json(fmt.Appendf(nil, `{"event":%q,"data":%s}`, e.name, e.data))
	}
}

func (w *watcher) wanted(id string) bool { return w.only == "" || push.EqualID(id, w.only) }

func (w *watcher) call(d callDoc) {
	name := first(w.names[strings.ToLower(d.Container)], d.Container)
	line := fmt.Sprintf("call %q %s", clean(d.Data), w.p.state(clean(d.State)))
	if d.Late {
		line += " late"
	}
	if d.Result != nil && d.Result.Message != "" {
		line += ": " + clean(d.Result.Message)
	}
	w.line(name, line)
}

// container prints a box if what there is to say of it changed.
func (w *watcher) container(d containerDoc) {
	line := w.state(d)
	if w.lines[d.ID] == line {
		return
	}
	w.lines[d.ID] = line
	w.line(d.Name, line)
}

// state is a box in one line.
func (w *watcher) state(d containerDoc) string {
	line, n := w.p.state(clean(d.State)), d.notes()
	if d.State == "signed-off" {
		line, n = w.p.paint(stateColours[d.State], n[0]), n[1:] // "signed off: why"
	}
	if len(n) > 0 {
		line += ": " + strings.Join(n, "; ")
	}
	if t := targets(d.Report); len(t) > 0 {
		line += " (" + strings.Join(t, ", ") + ")"
	}
	return line
}

func (w *watcher) line(name, text string) {
	fmt.Fprintf(w.c.stdout, "%s  %s  %s\n", w.p.paint(dim, time.Now().Format(time.TimeOnly)), w.p.paint(bold, clean(name)), text)
}
