package sim

import (
	"bufio"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"longarm/hw/clock"
)

// BenchmarkPowerEdge is from writing "power fail" to the control socket to the callback;
// p50_us is its median.
func BenchmarkPowerEdge(b *testing.B) {
	path := filepath.Join(b.TempDir(), "control")
	m, err := New(Options{Control: path})
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	var start time.Duration
	m.Power(func(bool, time.Duration) { took = append(took, clock.Monotonic()-start) })
	done := make(chan error, 1)
	go func() { done <- m.Run(b.Context()) }()
	c, err := net.Dial("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	r := bufio.NewReader(c)
	for i := 0; b.Loop(); i++ {
		line := []byte([]string{"power fail\n", "power ok\n"}[i%2])
		start = clock.Monotonic()
		if _, err := c.Write(line); err != nil {
			b.Fatal(err)
		}
		if _, err := r.ReadString('\n'); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	_, _ = c.Close(), m.Close() // both end Run
	<-done
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50_us")
}
