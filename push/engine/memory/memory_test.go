package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/push/engine"
	"longarm/push/engine/enginetest"
	"longarm/push/service"
)

// What the suite asks for and what the service asks for is the same.
var (
	_ service.Engine    = (*Engine)(nil)
	_ enginetest.Engine = service.Engine(nil)
	_ service.Engine    = enginetest.Engine(nil)
)

func TestConformance(t *testing.T) {
	enginetest.Run(t, func(*testing.T) enginetest.Engine { return New() })
}

func TestConformanceFile(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) enginetest.Engine {
		return open(t, filepath.Join(t.TempDir(), "engine"), Options{CompactAt: 512})
	})
}

func open(t *testing.T, path string, o Options) *Engine {
	t.Helper()
	e, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return e
}

// dump is everything that an engine knows, in order.
func dump(t *testing.T, e *Engine) string {
	t.Helper()
	docs, err := e.List(t.Context(), ">")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, d := range docs {
		fmt.Fprintf(&b, "%d %s %s\n", d.Revision, d.Subject, d.Data)
	}
	return b.String()
}

func change1(t *testing.T, e *Engine, i int) {
	t.Helper()
	subject := fmt.Sprintf("call.a.%d", i%4)
	last, err := e.Last(t.Context(), subject)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		t.Fatal(err)
	}
	if i%5 == 4 {
		err = e.Purge(t.Context(), subject, last.Revision)
	} else {
		_, err = e.Append(t.Context(), subject, fmt.Append(nil, "data ", i), last.Revision)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFileCutAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "engine")
	e := open(t, path, Options{})
	states := map[int64]string{e.file.size: ""}
	sizes := []int64{e.file.size}
	for i := range 12 {
		change1(t, e, i)
		states[e.file.size] = dump(t, e)
		sizes = append(sizes, e.file.size)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut")
	for n := range len(whole) + 1 {
		if err := os.WriteFile(cut, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		want := ""
		for _, size := range sizes {
			if size <= int64(n) {
				want = states[size]
			}
		}
		c := open(t, cut, Options{})
		if got := dump(t, c); got != want {
			t.Fatalf("cut at %d of %d: got\n%swant\n%s", n, len(whole), got, want)
		}
		change1(t, c, 0)
		want = dump(t, c)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = open(t, cut, Options{})
		if got := dump(t, c); got != want {
			t.Fatalf("cut at %d, written, reopened: got\n%swant\n%s", n, got, want)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFileFlippedByte(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine")
	e := open(t, path, Options{})
	for i := range 3 {
		change1(t, e, i)
	}
	before := e.file.size
	change1(t, e, 3)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	e = open(t, path, Options{})
	if got := e.file.size; got != before {
		t.Errorf("size after a flipped byte in the last record: got %d, want %d", got, before)
	}
	if kept, err := os.ReadFile(path + ".cut"); err != nil || !bytes.Equal(kept, data[before:]) {
		t.Errorf("the cut tail: got %d bytes, %v; want %d", len(kept), err, len(data[before:]))
	}
}

func TestCompaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine")
	e := open(t, path, Options{CompactAt: 2000})
	var biggest int64
	for i := range 400 {
		change1(t, e, i)
		biggest = max(biggest, e.file.size)
	}
	if biggest > 2200 {
		t.Errorf("the file grew to %d bytes, want compaction at about 2000", biggest)
	}
	want, seq := dump(t, e), e.seq
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, path, Options{})
	if got := dump(t, e); got != want || e.seq != seq {
		t.Errorf("after compaction and reopening: revision %d, want %d; got\n%swant\n%s", e.seq, seq, got, want)
	}
}

// The counter must survive a compaction that follows the purge of the newest document, or an old revision would fit again.
func TestCompactionKeepsCounter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine")
	e := open(t, path, Options{CompactAt: 1})
	var last uint64
	for range 5 {
		rev, err := e.Append(t.Context(), "a", nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Purge(t.Context(), "a", rev); err != nil {
			t.Fatal(err)
		}
		last = rev
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, path, Options{})
	if rev, err := e.Append(t.Context(), "a", nil, 0); err != nil || rev <= last {
		t.Errorf("revision after reopening: got %d %v, want more than %d", rev, err, last)
	}
}

func TestKeep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine")
	o := Options{Keep: map[string]int{"log": 3}, CompactAt: 300}
	e := open(t, path, o)
	for i := range 10 {
		if _, err := e.Append(t.Context(), fmt.Sprintf("log.a.%d", i), nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	want := "8 log.a.7 \n9 log.a.8 \n10 log.a.9 \n"
	if got := dump(t, e); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, open(t, path, o)); got != want {
		t.Errorf("reopened: got\n%swant\n%s", got, want)
	}
}

func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine")
	open(t, path, Options{})
	if _, err := Open(path, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("second open: got %v, want ErrInUse", err)
	}
}

func TestNotAnEngineFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine")
	if err := os.WriteFile(path, []byte("something else entirely"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); err == nil {
		t.Error("a foreign file was taken for an engine file")
	}
}

// A disk that fails once is not trusted again, and what it did not take is not shown.
func TestBrokenDisk(t *testing.T) {
	e := open(t, filepath.Join(t.TempDir(), "engine"), Options{})
	rev, err := e.Append(t.Context(), "a", []byte("good"), 0)
	if err != nil {
		t.Fatal(err)
	}
	whole := e.file.f
	if e.file.f, err = os.Open(e.file.path); err != nil { // read-only: writing fails
		t.Fatal(err)
	}
	if _, err := e.Append(t.Context(), "a", []byte("bad"), rev); err == nil {
		t.Error("a write that the disk refused was acknowledged")
	}
	if err := e.file.f.Close(); err != nil {
		t.Fatal(err)
	}
	e.file.f = whole
	if _, err := e.Append(t.Context(), "b", nil, 0); err == nil {
		t.Error("a write after a failed one was acknowledged")
	}
	if got, want := dump(t, e), fmt.Sprintf("%d a good\n", rev); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestConcurrentWritersShareTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine")
	e := open(t, path, Options{CompactAt: 4096})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			var rev uint64
			for i := range 30 {
				var err error
				if rev, err = e.Append(t.Context(), fmt.Sprintf("w.%d", w), fmt.Append(nil, i), rev); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	want := dump(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Append(t.Context(), "w.0", nil, 0); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: got %v, want ErrClosed", err)
	}
	e = open(t, path, Options{})
	if got := dump(t, e); got != want || e.seq != 240 {
		t.Errorf("revision %d, want 240; got\n%swant\n%s", e.seq, got, want)
	}
}

func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New()
		ctx, cancel := context.WithCancel(t.Context())
		c, err := e.Watch(ctx, ">")
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if _, ok := <-c; ok || len(e.watches) != 0 {
			t.Errorf("after the end: open %v, %d watches; want closed and none", ok, len(e.watches))
		}
	})
}

func TestWatchTellsLoss(t *testing.T) {
	e := New()
	c, err := e.Watch(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	var rev uint64
	for range lag + 1 {
		if rev, err = e.Append(t.Context(), "a", nil, rev); err != nil {
			t.Fatal(err)
		}
	}
	for len(c) > 0 {
		<-c
	}
	if _, err = e.Append(t.Context(), "a", nil, rev); err != nil {
		t.Fatal(err)
	}
	if d := <-c; d.Subject != "" {
		t.Errorf("after a loss: got %s, want the mark without a subject", d.Subject)
	}
}

func TestLeaseLapses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New()
		if ok, err := e.Lease(t.Context(), "k", "a", 10*time.Second); err != nil || !ok {
			t.Fatal(ok, err)
		}
		time.Sleep(9 * time.Second)
		if ok, _ := e.Lease(t.Context(), "k", "b", time.Second); ok {
			t.Error("taken over before its end")
		}
		time.Sleep(2 * time.Second)
		if ok, _ := e.Lease(t.Context(), "k", "b", time.Second); !ok {
			t.Error("not free after its end")
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	f.Add(appendRecord(nil, engine.Doc{Subject: "a.b", Revision: 300, Data: []byte("x")}, false))
	f.Add(appendRecord(nil, engine.Doc{Subject: "a.b", Revision: 1}, true))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 'w'})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, kind, n := parseRecord(b)
		if n == 0 {
			return
		}
		if again, k, m := parseRecord(appendPayload(nil, kind, d)); k != kind || m == 0 || again.Subject != d.Subject || !bytes.Equal(again.Data, d.Data) {
			t.Errorf("not the same again: %v %v", d, again)
		}
	})
}

// Two writers that meet in one batch are held against each other too.
func TestOneWinnerInABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New()
		e.leading = true // as if a batch were being written
		results := make(chan error, 3)
		for i := range 3 {
			go func() {
				_, err := e.Append(t.Context(), "a", fmt.Append(nil, i), 0)
				results <- err
			}()
		}
		synctest.Wait()
		e.queue[0].turn <- true
		won := 0
		for range 3 {
			if err := <-results; err == nil {
				won++
			} else if !errors.Is(err, engine.ErrConflict) {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d writers won, want 1", won)
		}
	})
}
