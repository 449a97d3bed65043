package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkStarted is what a call waits for before its first edge, on the disk
// of the temporary dir; TMPDIR chooses it.
func BenchmarkStarted(b *testing.B) {
	j := mustOpen(b, filepath.Join(b.TempDir(), "state"), Options{})
	defer j.Close()
	var took []time.Duration
	n := 0
	for b.Loop() {
		id := fmt.Sprintf("11112222-3333-4444-5555-%012d", n)
		n++
		if _, _, err := j.Received(Received{ID: id, Container: "7602c7e0-0000-0000-0000-000000000000", Data: "router cycle 10s"}); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := j.Started(id, Begun{Target: "router", Verb: "cycle", Kind: "cycle", BootID: "b", Deadline: time.Hour}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
		if err := j.Finished(id, []byte(`{"success":true,"message":"done","data":{"state":"done","proof":"sent","target":"router","verb":"cycle","active":false,"load":"on","edges":[],"took_ms":10002,"detail":""}}`)); err != nil {
			b.Fatal(err)
		}
		if err := j.Reported(id); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs/started")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs/started")
}

// BenchmarkOpen opens a journal that remembers all it can.
func BenchmarkOpen(b *testing.B) {
	d := newMemDisk(b)
	j := mustOpen(b, testDir, memOptions(d))
	for i := range Remembered {
		s := &script{t: b, j: j, counts: func() bool { return true }, after: func() {}, calls: map[string]*promise{}}
		p := s.received(fmt.Sprintf("11112222-3333-4444-5555-%012d", i))
		s.finished(p)
		s.reported(p)
	}
	file, err := j.state.file()
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "journal"), file, 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if err := mustOpen(b, dir, Options{}).Close(); err != nil {
			b.Fatal(err)
		}
	}
}
