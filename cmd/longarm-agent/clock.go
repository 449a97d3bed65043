package main

import (
	"strconv"
	"sync/atomic"
	"time"

	"longarm/agent"
	"longarm/agent/journal"
	"longarm/hw/clock"
)

// factGoodTime is the newest time that an authenticated reply told, in
// seconds since 1970.
const factGoodTime = "good_time"

// goodTimeStep is how far the good time must move before it is written: a
// box that is always on writes it 24 times a day.
const goodTimeStep = time.Hour

// floorClock is the wall clock for certificates. A box without an RTC starts
// in 1970; until the kernel says that its clock is synchronised, no time
// before the floor is believed (design.md section 4, Clock).
type floorClock struct {
	notes *agent.Notes // a poll must not wait for the disk
	floor atomic.Int64 // seconds since 1970
}

func newFloorClock(j *journal.Journal, notes *agent.Notes, built time.Time) *floorClock {
	c := &floorClock{notes: notes}
	floor := built.Unix()
	if built.IsZero() {
		floor = 0
	}
	if text, ok := j.Get(factGoodTime); ok {
		if s, err := strconv.ParseInt(text, 10, 64); err == nil {
			floor = max(floor, s)
		}
	}
	c.floor.Store(floor)
	return c
}

// now is the system's time, raised to the floor while nobody vouches for it.
func (c *floorClock) now() time.Time {
	now := time.Now()
	floor := time.Unix(c.floor.Load(), 0)
	if now.Before(floor) && !clock.Synchronised() {
		return floor
	}
	return now
}

// saw raises the floor to a time that the service told. The client has bound
// it by the certificate's end.
func (c *floorClock) saw(t time.Time) {
	for {
		old := c.floor.Load()
		if t.Unix() < old+int64(goodTimeStep/time.Second) {
			return
		}
		if c.floor.CompareAndSwap(old, t.Unix()) {
			break
		}
	}
	c.notes.Set(factGoodTime, strconv.FormatInt(t.Unix(), 10))
}
