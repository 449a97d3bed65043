package field

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Spread is how long something took, measured many times.
type Spread []time.Duration

// At is the value below which the part q of all lies: At(0.5) is the median, At(1) the greatest.
func (s Spread) At(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(s)-1, int(q*float64(len(s))))]
}

// String is the three figures that people ask for.
func (s Spread) String() string {
	return fmt.Sprintf("p50 %s p99 %s max %s", ms(s.At(0.5)), ms(s.At(0.99)), ms(s.At(1)))
}

// Bars is a histogram for the eye: one line for each step that something fell into, and one
// with dots for the steps between that nothing fell into.
func (s Spread) Bars(step time.Duration) string {
	if len(s) == 0 {
		return "nothing was measured\n"
	}
	counts := map[int]int{}
	for _, d := range s {
		counts[int(d/step)]++
	}
	var b strings.Builder
	last := -1
	for _, i := range slices.Sorted(maps.Keys(counts)) {
		if last >= 0 && i > last+1 {
			b.WriteString("   …\n")
		}
		from := time.Duration(i) * step
		fmt.Fprintf(&b, "%8s to %8s %s %d\n", ms(from), ms(from+step), strings.Repeat("#", counts[i]), counts[i])
		last = i
	}
	return b.String()
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }
