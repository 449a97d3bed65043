package field

import (
	"strconv"
	"time"
)

// Reflex starts the program reflex in the guest: line out of the first chip follows line
// in, by offset. It is how fast anything can react in this guest now.
func (b *Box) Reflex(in, out int) {
	b.t.Helper()
	const at = "/run/reflex"
	Program(b.t, b.Guest, "./lab/field/reflex", at)
	var said Logged
	if _, err := b.Spawn(&said, &said, nil, at, strconv.Itoa(in), strconv.Itoa(out)); err != nil {
		b.t.Fatalf("start reflex: %v", err)
	}
	said.Await(b.t, "ready", 20*time.Second)
}
