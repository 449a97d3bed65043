package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"longarm/push/engine"
)

// change is one write on its way through the queue.
type change struct {
	doc      engine.Doc
	expected uint64
	purge    bool
	end      bool      // close the engine
	turn     chan bool // true: lead the queue from here on; false: done
	err      error
}

// Append writes a document if the subject's last revision is expected, 0 for none; engine.ErrConflict otherwise. It
// returns once the write is durable. Writers that come at the same time share one fsync. Once it has begun, the end of
// ctx does not stop it.
func (e *Engine) Append(ctx context.Context, subject string, data []byte, expected uint64) (uint64, error) {
	if err := checkSubject(subject); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c := &change{doc: engine.Doc{Subject: subject, Data: slices.Clone(data)}, expected: expected, turn: make(chan bool, 1)}
	if err := e.commit(c); err != nil {
		return 0, fmt.Errorf("write %s: %w", subject, err)
	}
	return c.doc.Revision, nil
}

// Purge forgets the subject if its last revision is expected; engine.ErrConflict otherwise.
func (e *Engine) Purge(ctx context.Context, subject string, expected uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &change{doc: engine.Doc{Subject: subject}, expected: expected, purge: true, turn: make(chan bool, 1)}
	if err := e.commit(c); err != nil {
		return fmt.Errorf("purge %s: %w", subject, err)
	}
	return nil
}

func checkSubject(subject string) error {
	for token := range strings.SplitSeq(subject, ".") {
		if token == "" || strings.ContainsAny(token, "*> \t\r\n") {
			return fmt.Errorf("subject %q: want tokens joined by dots, without blanks and wildcards", subject)
		}
	}
	return nil
}

// commit queues the change and waits for it. The first in the queue leads: it writes the whole queue as one batch and
// hands the lead to the first of those that came meanwhile.
func (e *Engine) commit(c *change) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return ErrClosed
	}
	e.queue = append(e.queue, c)
	lead := !e.leading
	e.leading = true
	e.mu.Unlock()
	if !lead && !<-c.turn {
		return c.err
	}
	e.lead()
	return c.err
}

func (e *Engine) lead() {
	e.mu.Lock()
	batch := e.queue
	e.queue = nil
	e.mu.Unlock()

	accepted, bytes := e.decide(batch)
	if err := e.write(bytes); err != nil {
		for _, c := range accepted {
			c.err = err
		}
		accepted = nil
	}
	e.mu.Lock()
	for _, c := range accepted {
		e.apply(c.doc, c.purge)
	}
	e.mu.Unlock()
	e.compact()
	e.finish(batch)
}

// decide holds each change against the last revision and numbers those that may happen. Nobody else changes the tree
// while we lead, so it is read without the lock.
func (e *Engine) decide(batch []*change) (accepted []*change, bytes []byte) {
	fresh := map[string]uint64{}
	for _, c := range batch {
		if c.end {
			continue
		}
		last, ok := fresh[c.doc.Subject]
		if d := e.tree.get(c.doc.Subject); !ok && d != nil {
			last = d.Revision
		}
		if c.purge && last == 0 {
			continue
		}
		if last != c.expected {
			c.err = engine.ErrConflict
			continue
		}
		e.seq++
		c.doc.Revision = e.seq
		fresh[c.doc.Subject] = e.seq
		if c.purge {
			fresh[c.doc.Subject] = 0
		}
		accepted = append(accepted, c)
		bytes = appendRecord(bytes, c.doc, c.purge)
	}
	return accepted, bytes
}

// write makes the batch durable. After one error the file is not trusted any more: what it holds beyond the last good
// fsync is unknown, so every later write is refused too.
func (e *Engine) write(bytes []byte) error {
	if e.file == nil || len(bytes) == 0 {
		return nil
	}
	if e.broken == nil {
		e.broken = e.file.write(bytes)
	}
	return e.broken
}

func (e *Engine) compact() {
	if e.file == nil || e.broken != nil || !e.file.wantsCompact() {
		return
	}
	if err := e.file.compact(e.seq, e.live()); err != nil {
		e.log.Warn("engine file not compacted", "err", err)
	}
}

func (e *Engine) finish(batch []*change) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range batch {
		if c.end && !e.closed {
			e.closed = true
			if e.file != nil {
				c.err = e.file.close()
			}
		}
	}
	for _, c := range batch[1:] { // the first one leads, it knows
		c.turn <- false
	}
	if e.closed {
		for _, c := range e.queue {
			c.err = ErrClosed
			c.turn <- false
		}
		e.queue = nil
	}
	e.leading = len(e.queue) > 0
	if e.leading {
		e.queue[0].turn <- true
	}
}

// apply makes the change visible: to readers, to the limits, to watchers. The caller holds mu.
func (e *Engine) apply(d engine.Doc, purge bool) {
	old := e.tree.get(d.Subject)
	if old != nil {
		e.forgetSize(old)
	}
	r := e.rings[firstToken(d.Subject)]
	if purge {
		e.tree.remove(strings.Split(d.Subject, "."))
		r.remove(d.Subject)
		return
	}
	e.tree.put(&d)
	if e.file != nil {
		e.file.live += recordSize(d)
	}
	if old == nil {
		for _, subject := range r.add(d.Subject) {
			e.forgetSize(e.tree.get(subject))
			e.tree.remove(strings.Split(subject, "."))
		}
	}
	e.notify(d, true)
}

func (e *Engine) forgetSize(d *engine.Doc) {
	if e.file != nil {
		e.file.live -= recordSize(*d)
	}
}

// replay takes one record of the file at Open.
func (e *Engine) replay(d engine.Doc, purge, mark bool) {
	e.seq = max(e.seq, d.Revision)
	if !mark {
		e.apply(d, purge)
	}
}

func firstToken(subject string) string {
	token, _, _ := strings.Cut(subject, ".")
	return token
}

// ring remembers the subjects under one first token in the order in which they came; nil has no limit.
type ring struct {
	limit    int
	subjects []string
}

func (r *ring) add(subject string) (dropped []string) {
	if r == nil {
		return nil
	}
	r.subjects = append(r.subjects, subject)
	if over := len(r.subjects) - r.limit; over > 0 {
		dropped = slices.Clone(r.subjects[:over])
		r.subjects = slices.Delete(r.subjects, 0, over)
	}
	return dropped
}

func (r *ring) remove(subject string) {
	if r != nil {
		r.subjects = slices.DeleteFunc(r.subjects, func(s string) bool { return s == subject })
	}
}
