// Package memory is the storage engine of a single process: documents in a tree, and on request a file in which every
// acknowledged write is durable. It takes writes with an expected revision, keeps the last document of each subject,
// and tells watchers; it never looks into a document and never speaks to another process.
package memory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"longarm/push/engine"
)

var (
	// ErrInUse says that another process has the file open: stop that one first.
	ErrInUse = errors.New("in use by another process")
	// ErrClosed says that the engine was closed.
	ErrClosed = errors.New("engine closed")
)

// Options are the engine's settings; the zero value is good.
type Options struct {
	// Log hears about a torn tail and about compactions that did not work; nil is silent.
	Log *slog.Logger
	// Keep is how many documents stay whose subject begins with the given token, the newest ones; the rest is
	// forgotten without a purge, as a stream with a size limit does. Nil is {"log": 20000}.
	Keep map[string]int
	// CompactAt is the size in bytes from which the file is rewritten when two thirds of it are outdated; 0 is 1 MiB.
	CompactAt int64
}

// Engine keeps documents in memory and, when it has a file, durably on disk. It satisfies service.Engine. All methods
// are safe for concurrent use.
type Engine struct {
	log *slog.Logger

	mu      sync.RWMutex // held for memory only, never while the file is written
	tree    node
	rings   map[string]*ring // per first token that is limited
	queue   []*change
	leading bool
	watches []*watch
	leases  map[string]lease
	closed  bool

	// Owned by whoever leads the commit queue.
	seq    uint64
	file   *file
	broken error
}

// New returns an engine without a file: what it knows ends with the process.
func New() *Engine {
	return build(Options{})
}

func build(o Options) *Engine {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Keep == nil {
		o.Keep = map[string]int{"log": 20000}
	}
	e := &Engine{log: o.Log, rings: map[string]*ring{}, leases: map[string]lease{}}
	for token, n := range o.Keep {
		e.rings[token] = &ring{limit: n}
	}
	return e
}

// Open returns an engine whose documents live in the file at path; it is made when it is missing. A tail that was torn
// by a crash is cut off (and kept beside the file as path.cut); everything that was acknowledged is there. The caller
// closes the engine. ErrInUse when another process has it.
func Open(path string, o Options) (*Engine, error) {
	e := build(o)
	f, err := openFile(path, o.CompactAt, e.log, e.replay)
	if err != nil {
		return nil, fmt.Errorf("open engine file %s: %w", path, err)
	}
	e.file = f
	return e, nil
}

// Close waits for writes under way and releases the file. Later writes get ErrClosed.
func (e *Engine) Close() error {
	c := &change{end: true, turn: make(chan bool, 1)}
	return e.commit(c)
}

// Last returns the subject's document, or engine.ErrNotFound.
func (e *Engine) Last(ctx context.Context, subject string) (engine.Doc, error) {
	if err := ctx.Err(); err != nil {
		return engine.Doc{}, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if d := e.tree.get(subject); d != nil {
		return *d, nil
	}
	return engine.Doc{}, fmt.Errorf("%s: %w", subject, engine.ErrNotFound)
}

// List returns the last document of each subject that the filter matches, in order of revision.
func (e *Engine) List(ctx context.Context, filter string) ([]engine.Doc, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var docs []engine.Doc
	e.mu.RLock()
	e.tree.match(strings.Split(filter, "."), func(d *engine.Doc) { docs = append(docs, *d) })
	e.mu.RUnlock()
	slices.SortFunc(docs, func(a, b engine.Doc) int { return int(int64(a.Revision - b.Revision)) })
	return docs, nil
}

// live returns every document in order of revision; the caller leads the commit queue, so nothing changes meanwhile.
func (e *Engine) live() []*engine.Doc {
	var docs []*engine.Doc
	e.tree.match([]string{">"}, func(d *engine.Doc) { docs = append(docs, d) })
	slices.SortFunc(docs, func(a, b *engine.Doc) int { return int(int64(a.Revision - b.Revision)) })
	return docs
}

// node is one token of the subjects in a tree, so that a filter costs what it matches and not what there is.
type node struct {
	doc  *engine.Doc
	next map[string]*node
}

func (n *node) get(subject string) *engine.Doc {
	for token := range strings.SplitSeq(subject, ".") {
		if n = n.next[token]; n == nil {
			return nil
		}
	}
	return n.doc
}

func (n *node) put(d *engine.Doc) {
	for token := range strings.SplitSeq(d.Subject, ".") {
		if n.next == nil {
			n.next = map[string]*node{}
		}
		child := n.next[token]
		if child == nil {
			child = &node{}
			n.next[token] = child
		}
		n = child
	}
	n.doc = d
}

// remove forgets the document and every branch that ends up bare; it reports whether n is bare now.
func (n *node) remove(tokens []string) bool {
	if len(tokens) == 0 {
		n.doc = nil
	} else if child := n.next[tokens[0]]; child != nil && child.remove(tokens[1:]) {
		delete(n.next, tokens[0])
	}
	return n.doc == nil && len(n.next) == 0
}

func (n *node) match(filter []string, visit func(*engine.Doc)) {
	switch {
	case len(filter) == 0:
		if n.doc != nil {
			visit(n.doc)
		}
	case filter[0] == ">":
		for child := range maps.Values(n.next) {
			child.match(nil, visit)
			child.match(filter, visit)
		}
	case filter[0] == "*":
		for child := range maps.Values(n.next) {
			child.match(filter[1:], visit)
		}
	default:
		if child := n.next[filter[0]]; child != nil {
			child.match(filter[1:], visit)
		}
	}
}
