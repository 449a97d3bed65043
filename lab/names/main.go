// Command names is a name server for a guest: it answers every question for an IPv4
// address with one address, and every other question with nothing. Trials start it late,
// as a router's resolver is; it is never shipped.
package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "names:", err)
		os.Exit(1)
	}
}

// run takes where to listen, "127.0.0.1:53", and the address that everything has.
func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want LISTEN ADDRESS, got %q", args)
	}
	addr := net.ParseIP(args[1]).To4()
	if addr == nil {
		return fmt.Errorf("address %q: want IPv4", args[1])
	}
	socket, err := net.ListenPacket("udp", args[0])
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer socket.Close()
	buf := make([]byte, 1500)
	for {
		n, from, err := socket.ReadFrom(buf)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if reply := answer(buf[:n], addr); reply != nil {
			_, _ = socket.WriteTo(reply, from) // who does not get it asks again
		}
	}
}

// The parts of a message (RFC 1035, section 4.1).
const (
	headerLen = 12
	typeA     = 1
	ttl       = 60 // seconds
)

// answer is nil for what is no question.
func answer(query []byte, addr net.IP) []byte {
	end := headerLen
	for end < len(query) && query[end] != 0 {
		end += 1 + int(query[end])
	}
	end += 5 // the root label, type and class
	if end > len(query) || query[2]&0x80 != 0 {
		return nil
	}
	reply := append([]byte(nil), query[:end]...)
	binary.BigEndian.PutUint16(reply[2:], 0x8580)   // a reply, with authority, recursion and all
	copy(reply[4:], []byte{0, 1, 0, 0, 0, 0, 0, 0}) // one question, nothing else
	if binary.BigEndian.Uint16(query[end-4:]) != typeA {
		return reply
	}
	reply[7] = 1                                                               // one answer
	reply = append(reply, 0xC0, headerLen, 0, typeA, 0, 1, 0, 0, 0, ttl, 0, 4) // the question's name, class IN
	return append(reply, addr...)
}
