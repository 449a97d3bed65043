package board

import (
	"errors"
	"fmt"
	"time"
)

var (
	// errVanished: the frame went into a connection that is no more.
	errVanished = errors.New("vanished after the frame was sent")
	// errNoTimer: what was asked of a board's timer is not what it can do.
	errNoTimer = errors.New("the board cannot time that by itself")
)

// set is the worker's part of Set.
func (b *Board) set(t *talk, j *job) {
	b.command(t, j, func() (string, error) { return b.speaker.set(t, j.channel, j.active) })
}

// timed is the worker's part of Timed; width is one that the family keeps.
func (b *Board) timed(t *talk, j *job) {
	speaker, ok := b.speaker.(timing)
	if !ok {
		j.err = b.fault(false, errNoTimer)
		return
	}
	t.tries = 1 // a second frame would be a second width
	b.command(t, j, func() (string, error) { return speaker.timed(t, j.channel, j.active, j.width) })
	if j.err == nil || t.moved(j.err) {
		b.run(j.channel, timer{until: t.at.Add(j.width), to: !j.active, width: j.width})
	}
}

// command sends what moves a channel, after ending a timer that would move it
// again.
func (b *Board) command(t *talk, j *job, send func() (string, error)) {
	i := j.channel - 1
	t.frames = 0
	err := b.cancel(t, j.channel)
	if err == nil {
		j.proof, err = send()
	}
	b.setAt = time.Now()
	b.told[i], b.proofs[i] = b.epoch, j.proof
	if err != nil {
		j.err = b.fault(t.moved(err), err)
		if t.moved(err) {
			b.think(j.channel, level{}, false)
		}
		b.judge(t, err)
		return
	}
	b.think(j.channel, level{active: j.active, known: true}, false)
}

// cancel ends a board's timer where the family needs that.
func (b *Board) cancel(t *talk, channel int) error {
	c, ok := b.speaker.(canceller)
	if !ok || !b.runs(channel) {
		return nil
	}
	if err := c.cancel(t, channel); err != nil {
		return fmt.Errorf("end the board's timer: %w", err)
	}
	b.run(channel, timer{})
	return nil
}

// prove is the worker's part of Prove.
func (b *Board) prove(t *talk, j *job) {
	i := j.channel - 1
	if b.told[i] != b.epoch {
		j.err = b.fault(true, errVanished)
		return
	}
	j.proof = b.proofs[i]
	for try := range 2 {
		levels, err := b.ask(t)
		switch {
		case t.halted:
			return
		case err != nil:
			j.err = b.fault(true, fmt.Errorf("%w: %w", errVanished, err))
			return
		case levels == nil || !levels[i].known:
			return
		case levels[i].active == j.active:
			j.proof = Readback
			return
		case try > 0:
			j.err = b.fault(false, fmt.Errorf("channel %d is stuck: told twice, the board still shows the other state", j.channel))
			return
		}
		if b.set(t, j); j.err != nil {
			return
		}
	}
}

// read is the worker's part of Read.
func (b *Board) read(t *talk, j *job) {
	levels, err := b.ask(t)
	if err != nil && !t.halted {
		j.err = b.fault(false, err)
		return
	}
	now := b.thought(j.channel)
	j.active, j.known, j.proof = now.active, now.known, b.proofs[j.channel-1]
	if j.proof == "" {
		j.proof = Sent
	}
	if levels != nil && levels[j.channel-1].known {
		j.proof = Readback
	}
}

// ask asks the board for all its relays, when it has settled, and learns what
// it says; nil when it does not tell.
func (b *Board) ask(t *talk) ([]level, error) {
	if err := t.wait(b.setAt.Add(b.family.Settle)); err != nil {
		return nil, err
	}
	levels, err := b.speaker.states(t)
	if _, no := errors.AsType[refusal](err); no {
		return nil, nil // it is there, but does not tell
	}
	if err != nil {
		b.judge(t, err)
		return nil, err
	}
	b.learn(levels)
	return levels, nil
}

// learn takes what the board says of itself for true.
func (b *Board) learn(levels []level) {
	for i, l := range levels {
		if l.known {
			b.think(i+1, l, true)
		}
	}
}

// hear is told what came in unasked.
func (b *Board) hear(p []byte) {
	if l, ok := b.speaker.(listener); ok && len(p) > 0 {
		b.learn(l.heard(p))
	}
}

// think notes a channel's level; news says that it came from the board.
func (b *Board) think(channel int, l level, news bool) {
	b.port.mu.Lock()
	defer b.port.mu.Unlock()
	i := channel - 1
	if news && b.now[i] != l {
		b.channels[i].signal()
	}
	b.now[i] = l
	if b.there(i) && b.overdue(i) {
		b.timers[i] = timer{} // until then it may move what is moved away again
	}
}

func (b *Board) thought(channel int) level {
	b.port.mu.Lock()
	defer b.port.mu.Unlock()
	return b.level(channel)
}
