package field

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Stamped puts an agent into the guest that is built like the one that ships, but for the
// time of its build. The agent must be stopped.
func (b *Box) Stamped(built time.Time) {
	b.t.Helper()
	b.put(Binary, Variant(b.t, agentArch(b.Guest), "STAMP="+strconv.FormatInt(built.Unix(), 10)), 0o755)
}

// SetClock sets the guest's wall clock, as a person or NTP would, but nobody vouches for it.
func (b *Box) SetClock(to time.Time) { b.t.Helper(); b.Sh(fmt.Sprintf("date -s @%d", to.Unix())) }

// Clock1970 makes the guest's wall clock that of a machine without one: it counts from the
// start of 1970, when the machine was started.
func (b *Box) Clock1970() {
	b.t.Helper()
	b.Sh("date -s @$(( $(cut -d. -f1 /proc/uptime) + 2 ))") // the kernel wants no earlier one
}

// Fact is the newest value of a fact in the agent's journal, "" when there is none.
func (b *Box) Fact(key string) string {
	b.t.Helper()
	value := ""
	for line := range strings.Lines(b.Sh("cat /var/lib/longarm/journal")) {
		if _, rest, ok := strings.Cut(line, `"key":"`+key+`","val":"`); ok {
			value, _, _ = strings.Cut(rest, `"`)
		}
	}
	return value
}
