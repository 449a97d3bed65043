package device

import (
	"strconv"
	"time"
)

// turnedOn lets max_on count from now. That is kept for the next start: reads
// and renewals of the same level never count anew (hardware.md 7, "timers
// monotonic; deadline persisted; reads don't restart timers").
func (o *output) turnedOn() {
	o.onSince = time.Now()
	o.maxOn.set(o.spec.MaxOn)
	if boot := o.box.o.Boot; boot != nil {
		o.box.untils.note(o.spec.Name, untilText(boot()+o.spec.MaxOn))
	}
}

func (o *output) turnedOff() {
	o.onSince = time.Time{}
	o.maxOn.stop()
	o.box.untils.note(o.spec.Name, "")
}

// recallOn goes on counting where the last run of this boot ended, as long as
// nobody knows that the load is off.
func (o *output) recallOn() {
	until, kept := o.box.o.OnUntil[o.spec.Name]
	if !kept {
		return
	}
	o.box.untils.have[o.spec.Name] = untilText(until)
	switch {
	case o.spec.MaxOn <= 0:
		o.box.untils.note(o.spec.Name, "")
	case o.box.o.Boot != nil:
		left := min(until-o.box.o.Boot(), o.spec.MaxOn)
		o.onSince = time.Now().Add(left - o.spec.MaxOn)
		o.maxOn.set(left)
	}
}

func untilText(until time.Duration) string { return strconv.FormatInt(int64(until), 10) }

// newUntils is the clerk of max_on.
func newUntils(changed func(target string, until time.Duration)) *clerk {
	if changed == nil {
		return newClerk(nil)
	}
	return newClerk(func(target, text string, open bool) {
		until, _ := strconv.ParseInt(text, 10, 64) // our own text
		if !open {
			until = 0
		}
		changed(target, time.Duration(until))
	})
}
