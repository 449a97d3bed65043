package board

import "time"

// lcus is LCUS-1/2/4/8 and look-alikes behind a CH340 (hardware.md 1.1). The
// board acknowledges nothing; some answer FF with their states. Only the ops 00
// and 01 are sent: 02 and above switch relays on some clones.
var lcus = Family{
	Name: "lcus", Boards: "LCUS-1/2/4/8 and look-alikes (CH340)", Sizes: []int{1, 2, 4, 8}, Proof: Readback,
	Baud: 9600, Parity: "none", Gap: 100 * time.Millisecond, Reopen: true,
	speak: func(s Spec) dialect { return &lcusTalk{channels: s.Channels} },
}

type lcusTalk struct {
	channels       int
	answered, mute bool // ever; never, and not asked again
}

func (l *lcusTalk) set(t *talk, channel int, active bool) (string, error) {
	return Sent, t.send(lcusFrame(channel, active))
}

// states asks twice, since a first answer is often the state of before. Silence
// is no fault: many boards never answer. They are asked once.
func (l *lcusTalk) states(t *talk) (levels []level, err error) {
	for range 2 {
		if l.mute {
			return nil, nil
		}
		if err := t.send([]byte{0xFF}); err != nil {
			return nil, err
		}
		var active []bool
		_, err := t.until(lcusAnswer(l.channels), func(got []byte) (whole bool) {
			active, whole = lcusStates(got, l.channels)
			return whole
		})
		if levels = nil; err == nil {
			levels, l.answered = levelsOf(active), true
		} else if !t.silent(err) {
			return nil, err
		}
	}
	l.mute = !l.answered
	return levels, nil
}

// lcusFrame is A0, channel, op, sum.
func lcusFrame(channel int, active bool) []byte {
	op := byte(0)
	if active {
		op = 1
	}
	return []byte{0xA0, byte(channel), op, 0xA0 + byte(channel) + op}
}

// lcusAnswer: the first byte within 50 ms, then 12 bytes a channel at 9600 baud.
func lcusAnswer(channels int) time.Duration {
	return 60*time.Millisecond + time.Duration(channels)*15*time.Millisecond
}

// lcusStates reads "CH1: ON \r\nCH2: OFF\r\n" with any spacing, and ignores what
// else there is. The last word about a channel counts. It is whole when every
// channel spoke.
func lcusStates(reply []byte, channels int) (active []bool, whole bool) {
	active, seen := make([]bool, channels), make([]bool, channels)
	for i := 0; i+2 < len(reply); i++ {
		if reply[i] != 'C' || reply[i+1] != 'H' {
			continue
		}
		channel, rest := leadingNumber(reply[i+2:])
		on, ok := onOff(rest)
		if ok && channel >= 1 && channel <= channels {
			active[channel-1], seen[channel-1] = on, true
		}
	}
	for _, s := range seen {
		if !s {
			return nil, false
		}
	}
	return active, true
}

// leadingNumber reads at most two digits and the colon after them; 0 is none.
func leadingNumber(p []byte) (n int, rest []byte) {
	i := 0
	for ; i < min(len(p), 2) && p[i] >= '0' && p[i] <= '9'; i++ {
		n = 10*n + int(p[i]-'0')
	}
	p = skipBlanks(p[i:])
	if len(p) == 0 || p[0] != ':' {
		return 0, nil
	}
	return n, skipBlanks(p[1:])
}

func skipBlanks(p []byte) []byte {
	for len(p) > 0 && (p[0] == ' ' || p[0] == '\t') {
		p = p[1:]
	}
	return p
}

// onOff reads a word that no other letter follows.
func onOff(p []byte) (on, ok bool) {
	n := 0
	for n < len(p) && p[n] >= 'A' && p[n] <= 'Z' {
		n++
	}
	switch string(p[:n]) {
	case "ON":
		return true, true
	case "OFF":
		return false, true
	}
	return false, false
}
