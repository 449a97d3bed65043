package board

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// errVanished: the frame went into a connection that is no more.
var errVanished = errors.New("vanished after the frame was sent")

// set is the worker's part of Set.
func (b *Board) set(ctx context.Context, j *job) {
	if err := b.turn(ctx); err != nil {
		j.err = b.fault(false, err)
		return
	}
	b.told[j.channel-1] = b.opened
	if wrote, err := b.send(b.family.set(j.channel, j.active)); err != nil {
		j.err = b.fault(wrote, err)
		return
	}
	b.think(j.channel, level{active: j.active, known: true}, false)
}

// prove is the worker's part of Prove.
func (b *Board) prove(ctx context.Context, j *job) {
	if b.told[j.channel-1] != b.opened {
		j.err = b.fault(true, errVanished)
		return
	}
	j.proof = "sent"
	for try := range 2 {
		active, known, err := b.askTwice(ctx)
		switch {
		case err != nil:
			j.err = b.fault(true, fmt.Errorf("%w: %w", errVanished, err))
			return
		case !known:
			return
		case active[j.channel-1] == j.active:
			j.proof = "readback"
			return
		case try > 0:
			j.err = b.fault(false, fmt.Errorf("channel %d is stuck: told twice, the board still shows the other state", j.channel))
			return
		}
		if b.set(ctx, j); j.err != nil {
			return
		}
	}
}

// read is the worker's part of Read.
func (b *Board) read(ctx context.Context, j *job) {
	_, known, err := b.askTwice(ctx)
	if err != nil {
		j.err = b.fault(false, err)
		return
	}
	b.mu.Lock()
	now := b.now[j.channel-1]
	b.mu.Unlock()
	j.active, j.known, j.proof = now.active, now.known, "sent"
	if known {
		j.proof = "readback"
	}
}

// think notes a channel's level; news says that it came from the board.
func (b *Board) think(channel int, l level, news bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old := b.now[channel-1]; news && old != l {
		b.channels[channel-1].signal()
	}
	b.now[channel-1] = l
}

// turn waits until the board may take another frame.
func (b *Board) turn(ctx context.Context) error {
	timer := time.NewTimer(time.Until(b.next))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping: %w", context.Cause(ctx))
	}
}

// send writes one frame; a wire that fails is given up. wrote says that a part
// of the frame may be on its way.
func (b *Board) send(frame []byte) (wrote bool, err error) {
	if err = b.wire.Flush(); err == nil {
		wrote = true
		err = b.wire.Write(frame)
	}
	b.next = time.Now().Add(b.family.Gap)
	if err != nil {
		b.drop(err)
	}
	return wrote, err
}

// askTwice asks for the states twice, since a first answer is often that of
// before (hardware.md 1.1). known is false when the board does not answer, or
// when ctx ends. A board that never answered on this connection is asked no more.
func (b *Board) askTwice(ctx context.Context) (active []bool, known bool, err error) {
	if b.mute || b.family.ask == nil {
		return nil, false, nil
	}
	for range 2 {
		if b.turn(ctx) != nil {
			return nil, false, nil
		}
		if active, known, err = b.askOnce(); err != nil {
			return nil, false, err
		}
		b.answered = b.answered || known
	}
	b.mute = !b.answered
	if known {
		for i, a := range active {
			b.think(i+1, level{active: a, known: true}, true)
		}
	}
	return active, known, nil
}

func (b *Board) askOnce() (active []bool, known bool, err error) {
	if _, err := b.send(b.family.ask); err != nil {
		return nil, false, err
	}
	const most = 1024 // bytes of an answer: it talks, but not of its states
	deadline := time.Now().Add(b.family.answer(len(b.channels)))
	var got []byte
	var p [128]byte
	for len(got) < most {
		n, err := b.wire.ReadUntil(p[:], deadline)
		got = append(got, p[:n]...)
		if active, whole := b.family.states(got, len(b.channels)); whole {
			return active, true, nil
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, false, nil
		case err != nil:
			b.drop(err)
			return nil, false, err
		}
	}
	return nil, false, nil
}
