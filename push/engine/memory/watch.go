package memory

import (
	"context"
	"slices"
	"strings"

	"longarm/push/engine"
)

// lag is how many documents a watcher may be behind before it loses some.
const lag = 1024

// watch is one watcher or subscriber.
type watch struct {
	filter []string
	stored bool
	c      chan engine.Doc
	missed bool
}

// Watch sends every Append from now on that the filter matches. A watcher that is 1024 documents behind loses writes and
// then gets a Doc without a subject. The channel is closed when ctx ends.
func (e *Engine) Watch(ctx context.Context, filter string) (<-chan engine.Doc, error) {
	return e.listen(ctx, filter, true)
}

// Subscribe sends what is published from now on. What does not fit is lost. The channel is closed when ctx ends.
func (e *Engine) Subscribe(ctx context.Context, filter string) (<-chan engine.Doc, error) {
	return e.listen(ctx, filter, false)
}

// Publish sends a message to the subscribers of this moment; it is not stored.
func (e *Engine) Publish(ctx context.Context, subject string, data []byte) error {
	if err := checkSubject(subject); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.notify(engine.Doc{Subject: subject, Data: slices.Clone(data)}, false)
	return nil
}

func (e *Engine) listen(ctx context.Context, filter string, stored bool) (<-chan engine.Doc, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &watch{filter: strings.Split(filter, "."), stored: stored, c: make(chan engine.Doc, lag)}
	e.mu.Lock()
	e.watches = append(e.watches, w)
	e.mu.Unlock()
	context.AfterFunc(ctx, func() { e.leave(w) })
	return w.c, nil
}

func (e *Engine) leave(w *watch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watches = slices.DeleteFunc(e.watches, func(other *watch) bool { return other == w })
	close(w.c)
}

// notify tells whom it concerns and waits for nobody. The caller holds mu.
func (e *Engine) notify(d engine.Doc, stored bool) {
	for _, w := range e.watches {
		if w.stored != stored || !matches(w.filter, d.Subject) {
			continue
		}
		if w.missed && len(w.c) < cap(w.c)-1 { // room for the mark and for the document
			w.c <- engine.Doc{}
			w.missed = false
		}
		select {
		case w.c <- d:
		default:
			w.missed = stored
		}
	}
}

func matches(filter []string, subject string) bool {
	for i, want := range filter {
		if want == ">" {
			return true
		}
		token, rest, more := strings.Cut(subject, ".")
		if want != "*" && want != token {
			return false
		}
		if last := i == len(filter)-1; last || !more {
			return last && !more
		}
		subject = rest
	}
	return false
}
