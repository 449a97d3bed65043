package boardsim

import (
	"bytes"
	"fmt"
	"strings"
)

// numato is the command line of Numato Lab's USB modules (hardware.md 1.3): it
// sends back each character, then a line break, the answer and a prompt.
type numato struct{}

func (n *numato) eat(b *Board, in []byte) []byte {
	if !b.q.NoEcho {
		b.reply(bytes.Trim(in[len(b.in):], "\r\n")) // what is new
	}
	for {
		line, rest, whole := bytes.Cut(in, []byte("\r"))
		if !whole {
			return in
		}
		in = rest
		answer := n.do(b, strings.Fields(string(line)))
		if answer != "" {
			answer += "\n\r"
		}
		b.reply([]byte("\n\r" + answer + ">"))
	}
}

func (n *numato) do(b *Board, words []string) (answer string) {
	switch command := strings.Join(words[:min(2, len(words))], " "); {
	case command == "ver":
		return "00000008"
	case command == "relay readall" && !b.q.Silent:
		return numatoHex(b.status())
	case len(words) < 3:
		return ""
	case command == "relay read" && !b.q.Silent:
		if i := numatoIndex(words[2]); i < len(b.active) {
			return map[bool]string{true: "on", false: "off"}[b.status()[i]]
		}
	case command == "relay on" || command == "relay off":
		if numatoIndex(words[2]) >= len(b.active) {
			return "Invalid parameter"
		}
		if b.obeys() {
			b.set(numatoIndex(words[2])+1, command == "relay on")
		}
	}
	return ""
}

// numatoIndex: 0 to 9, then letters from A.
func numatoIndex(word string) int {
	const names = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	if i := strings.Index(names, word); i >= 0 && len(word) == 1 {
		return i
	}
	return len(names)
}

// numatoHex has one digit for four relays, relay 0 in the last bit.
func numatoHex(active []bool) string {
	bits := 0
	for i, on := range active {
		if on {
			bits |= 1 << i
		}
	}
	return fmt.Sprintf("%0*x", (len(active)+3)/4, bits)
}
