package board

import (
	"bytes"
	"time"
)

// k8090 is Velleman's K8090, VM8090 and WMI8090 (hardware.md 1.10, known
// second-hand from a public driver). It says that a relay moved, for a command
// only when one did, and for its own buttons too: so silence is no failure, and
// it is asked. It has timers; the command that starts one is unconfirmed and not
// sent, nor is the one that toggles.
var k8090 = Family{
	Name: "k8090", Boards: "Velleman K8090, VM8090 and WMI8090", Sizes: []int{8}, Proof: Readback,
	Baud: 19200, Parity: "none", Gap: 20 * time.Millisecond, Settle: 50 * time.Millisecond, Reopen: true,
	speak: func(Spec) dialect { return &k8090Talk{} },
}

// Commands, and the event that says where the relays were and are.
const (
	k8090On     = 0x11
	k8090Off    = 0x12
	k8090Query  = 0x18
	k8090Status = 0x51
)

const (
	k8090Length = 7                      // of a frame
	k8090Moves  = 60 * time.Millisecond  // for a relay that moves; how long it takes is unconfirmed
	k8090Limit  = 250 * time.Millisecond // for an answer
)

type k8090Talk struct {
	in []byte // the beginning of a frame
}

// set tells, and asks when the board says nothing: the relay was there, or the
// command was lost and is said again.
func (k *k8090Talk) set(t *talk, channel int, active bool) (string, error) {
	bit := byte(1) << (channel - 1)
	there := func(relays byte) bool { return relays&bit != 0 == active }
	command := byte(k8090Off)
	if active {
		command = k8090On
	}
	for range t.tries {
		if err := t.send(k8090Frame(command, bit)); err != nil {
			return "", err
		}
		_, err := k.await(t, channel, k8090Moves, there)
		if err == nil {
			return Acked, nil
		}
		if !t.silent(err) {
			return "", err
		}
		relays, err := k.ask(t, channel)
		if err != nil {
			return "", err
		}
		if there(relays) {
			return Acked, nil
		}
	}
	return "", refusal("told several times, it still shows the relay where it was")
}

func (k *k8090Talk) states(t *talk) ([]level, error) {
	relays, err := k.ask(t, 0)
	if err != nil {
		return nil, err
	}
	return k8090Levels(relays), nil
}

// ask gives the relays, relay 1 in the lowest bit.
func (k *k8090Talk) ask(t *talk, channel int) (relays byte, err error) {
	err = t.again(func() error {
		if err := t.send(k8090Frame(k8090Query, 0)); err != nil {
			return err
		}
		relays, err = k.await(t, channel, k8090Limit, func(byte) bool { return true })
		return err
	})
	return relays, err
}

// await waits for a status that is enough. Any that comes tells of a button
// too: it is learned, but for the channel that is being told.
func (k *k8090Talk) await(t *talk, channel int, within time.Duration, enough func(relays byte) bool) (relays byte, err error) {
	seen := 0
	_, err = t.until(within, func(got []byte) bool {
		now, told := k.take(got[seen:])
		seen = len(got)
		if !told {
			return false
		}
		relays = now
		levels := k8090Levels(now)
		if channel > 0 {
			levels[channel-1] = level{}
		}
		t.board.learn(levels)
		return enough(now)
	})
	return relays, err
}

// heard is what the board says unasked.
func (k *k8090Talk) heard(p []byte) []level {
	if relays, told := k.take(p); told {
		return k8090Levels(relays)
	}
	return nil
}

// take takes more of what came and gives the relays of the last status in it.
func (k *k8090Talk) take(p []byte) (relays byte, told bool) {
	k.in = append(k.in, p...)
	for len(k.in) >= k8090Length {
		n := 1 // is passed over
		if k8090Sound(k.in) {
			n = k8090Length
			if k.in[1] == k8090Status {
				relays, told = k.in[3], true
			}
		}
		k.in = k.in[n:]
	}
	k.in = bytes.Clone(k.in) // not what was before
	return relays, told
}

// k8090Frame is 04, command, mask, two parameters, sum, 0F.
func k8090Frame(command, mask byte) []byte {
	return []byte{0x04, command, mask, 0, 0, -(0x04 + command + mask), 0x0F}
}

// k8090Sound: all but the last byte add up to 0.
func k8090Sound(f []byte) bool {
	return f[0] == 0x04 && f[6] == 0x0F && f[0]+f[1]+f[2]+f[3]+f[4]+f[5] == 0
}

func k8090Levels(relays byte) []level {
	on := make([]bool, 8)
	for i := range on {
		on[i] = relays>>i&1 == 1
	}
	return levelsOf(on)
}
