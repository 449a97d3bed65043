package field

import (
	"fmt"
	"strings"
)

// Footprint is the memory that the agent's process has, in KiB.
type Footprint struct {
	RSS   int // all resident pages, counted one by one
	PSS   int // the same, shared ones by their share
	Own   int // of RSS: its own pages; the rest is the binary, which the kernel can drop and read again
	VmRSS int // what ps shows, from counters that lag a little
}

func (f Footprint) String() string {
	return fmt.Sprintf("RSS %d KiB, PSS %d KiB (own pages %d, the binary's %d; VmRSS %d KiB)", f.RSS, f.PSS, f.Own, f.RSS-f.Own, f.VmRSS)
}

// Footprint reads it from /proc.
func (b *Box) Footprint() (f Footprint) {
	b.t.Helper()
	pid := b.Prop("MainPID")
	want := map[string]*int{"Rss": &f.RSS, "Pss": &f.PSS, "Anonymous": &f.Own, "VmRSS": &f.VmRSS}
	for line := range strings.Lines(b.Sh("cat /proc/" + pid + "/status /proc/" + pid + "/smaps_rollup")) {
		key, value, _ := strings.Cut(line, ":")
		into, ok := want[key]
		if !ok {
			continue
		}
		if _, err := fmt.Sscan(value, into); err != nil {
			b.t.Fatalf("%q: %v", line, err)
		}
		delete(want, key)
	}
	if len(want) > 0 {
		b.t.Fatalf("process %s has no figures for %v", pid, want)
	}
	return f
}
