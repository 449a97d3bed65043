package board

import "time"

// timer is a board's own timer that was started: when it ends the relay goes
// to a level. The zero value: none runs.
type timer struct {
	until time.Time
	to    bool
	width time.Duration
	asked int // how often the board was asked whether it is over
}

const (
	timerGrace = 200 * time.Millisecond // for a board's clock, and a hundredth of the width
	timerAsks  = 3                      // before what the board shows is taken for true
)

// ends is when the board should show that the timer is over; zero: none runs.
func (t timer) ends() time.Time {
	if t.until.IsZero() {
		return t.until
	}
	return t.until.Add(time.Duration(t.asked+1) * (timerGrace + t.width/100))
}

// run notes a timer that was started, or the zero value when one was ended.
func (b *Board) run(channel int, t timer) {
	b.port.mu.Lock()
	defer b.port.mu.Unlock()
	b.timers[channel-1] = t
}

// runs says that a timer may still move the channel.
func (b *Board) runs(channel int) bool {
	b.port.mu.Lock()
	defer b.port.mu.Unlock()
	i := channel - 1
	return !b.timers[i].until.IsZero() && !(b.overdue(i) && b.there(i))
}

// there says that a channel is where its timer takes it. The mutex is held.
func (b *Board) there(i int) bool { return b.now[i] == level{active: b.timers[i].to, known: true} }

// overdue says that the board should show that its timer is over, or that none
// was started. The mutex is held.
func (b *Board) overdue(i int) bool { return time.Until(b.timers[i].ends()) <= 0 }

// level is what is thought of a channel now: nothing from the end of a timer
// that moves it until the board was asked. The mutex is held.
func (b *Board) level(channel int) level {
	i := channel - 1
	if t := b.timers[i]; !t.until.IsZero() && time.Until(t.until) <= 0 && !b.there(i) {
		return level{}
	}
	return b.now[i]
}

// lookAt is when the board must be looked after; zero: it need not.
func (b *Board) lookAt() (at time.Time) {
	if b.away.pause > 0 {
		return b.away.next
	}
	if !b.met {
		return at // a new connection: nothing is said on it before it is used
	}
	b.port.mu.Lock()
	defer b.port.mu.Unlock()
	for i, t := range b.timers {
		if end := t.ends(); !end.IsZero() && !b.there(i) && (at.IsZero() || end.Before(at)) {
			at = end
		}
	}
	return at
}

// look asks a silent board whether it is back, or one whose timer should be
// over whether it is.
func (b *Board) look(t *talk) {
	silent := b.away.pause > 0
	if b.meet(t) != nil || silent {
		return
	}
	levels, err := b.ask(t)
	if err != nil {
		return
	}
	b.port.mu.Lock()
	defer b.port.mu.Unlock()
	for i := range b.timers {
		if b.timers[i].until.IsZero() || !b.overdue(i) || b.there(i) {
			continue
		}
		b.timers[i].asked++
		switch {
		case levels == nil:
			b.now[i] = level{active: b.timers[i].to, known: true}
		case b.timers[i].asked < timerAsks:
			continue
		}
		b.timers[i] = timer{}
		b.channels[i].signal()
	}
}
