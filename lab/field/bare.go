package field

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"longarm/lab/guest"
)

// BareFiles are what a mini guest needs from its boot on: the agent where its package puts it.
func BareFiles(t testing.TB, arch string) []guest.File {
	t.Helper()
	return []guest.File{{Path: Binary, Src: Agent(t, arch)}}
}

// Bare is a box in a mini guest, which has no init: key and config are put in, nothing is
// started. c is its container, so that a box keeps it over boots.
func Bare(t *testing.T, g *guest.Guest, s *Service, c Container, config string) *Box {
	t.Helper()
	b := &Box{Guest: g, Service: s, Container: c, t: t}
	b.write(KeyFile, c.Key+"\n", 0o600)
	b.Configure(config)
	return b
}

// Agent starts the agent in a mini guest; what it logs goes to logged.
func (b *Box) Agent(logged *Logged) *guest.Proc {
	b.t.Helper()
	p, err := b.Spawn(logged, logged, nil, Binary, "run", "-config", ConfigFile)
	if err != nil {
		b.t.Fatalf("start the agent: %v", err)
	}
	return p
}

// Logged is what a program in the guest has printed so far. The zero value is ready.
type Logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write is for Spawn.
func (l *Logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all of it.
func (l *Logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Count is how many lines contain what.
func (l *Logged) Count(what string) int {
	n := 0
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, what) {
			n++
		}
	}
	return n
}

// Await waits until a line contains what.
func (l *Logged) Await(t testing.TB, what string, limit time.Duration) {
	t.Helper()
	Until(t, "the program prints "+what, limit, func() bool { return l.Count(what) > 0 })
}
