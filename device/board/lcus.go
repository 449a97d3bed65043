package board

import "time"

// lcus is LCUS-1/2/4/8 and look-alikes behind a CH340 (hardware.md 1.1). The
// board acknowledges nothing; some answer FF with their states. Only the ops 00
// and 01 are sent: 02 and above switch relays on some clones.
var lcus = Family{
	Name: "lcus", Channels: 8, Proof: "readback", Baud: 9600, Gap: 100 * time.Millisecond,
	set: lcusSet, ask: []byte{0xFF}, states: lcusStates, answer: lcusAnswer,
}

// lcusSet is A0, channel, op, sum.
func lcusSet(channel int, active bool) []byte {
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
