package main

import (
	"context"
	"io"
	"log/slog"
	"os"
)

// newLogger writes text lines to w. Under systemd each line starts with its
// syslog priority, sd-daemon(3), and has no time: the journal adds its own.
func newLogger(w io.Writer) *slog.Logger {
	if os.Getenv("JOURNAL_STREAM") == "" {
		return slog.New(slog.NewTextHandler(w, nil))
	}
	return slog.New(newPriorityHandler(w))
}

// priorityHandler is a text handler for each priority.
type priorityHandler [4]slog.Handler

func newPriorityHandler(w io.Writer) priorityHandler {
	var h priorityHandler
	for i, priority := range []string{"<7>", "<6>", "<4>", "<3>"} {
		h[i] = slog.NewTextHandler(prefixWriter{w, priority}, &slog.HandlerOptions{ReplaceAttr: dropTime})
	}
	return h
}

func (h priorityHandler) pick(l slog.Level) slog.Handler {
	return h[min(max(int(l+4)/4, 0), len(h)-1)]
}

func (h priorityHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (h priorityHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.pick(r.Level).Handle(ctx, r)
}

func (h priorityHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for i := range h {
		h[i] = h[i].WithAttrs(attrs)
	}
	return h
}

func (h priorityHandler) WithGroup(name string) slog.Handler {
	for i := range h {
		h[i] = h[i].WithGroup(name)
	}
	return h
}

func dropTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		return slog.Attr{}
	}
	return a
}

// prefixWriter puts a prefix before each record; slog writes a record at once.
type prefixWriter struct {
	w      io.Writer
	prefix string
}

func (p prefixWriter) Write(b []byte) (int, error) {
	if _, err := p.w.Write(append([]byte(p.prefix), b...)); err != nil {
		return 0, err
	}
	return len(b), nil
}
