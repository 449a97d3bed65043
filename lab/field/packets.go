package field

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Packet is one write or read of the agent on a TCP connection, as the guest's kernel saw it.
type Packet struct {
	At     time.Duration // guest's monotonic clock
	Socket string        // which connection
	Sent   bool          // else received by the agent, which is after it arrived
	Len    int           // bytes, TLS records as they are on the wire
}

// TraceTCP records the agent's reads and writes on TCP besides what TraceOutputs records,
// which it starts too.
func (b *Box) TraceTCP() {
	b.t.Helper()
	if err := b.TraceOutputs(); err != nil {
		b.t.Fatalf("trace: %v", err)
	}
	b.Sh("cd /sys/kernel/tracing && echo nohash-ptr > trace_options && " +
		"for e in sock_send_length sock_recv_length; do echo 'protocol == 6 && ret > 0' > events/sock/$e/filter; echo 1 > events/sock/$e/enable; done")
}

// ForgetTrace empties the trace.
func (b *Box) ForgetTrace() { b.t.Helper(); b.Sh("echo > /sys/kernel/tracing/trace") }

// Packets is what TraceTCP has recorded of the agent since ForgetTrace, oldest first.
func (b *Box) Packets() []Packet {
	b.t.Helper()
	var ps []Packet
	for line := range strings.Lines(b.Sh("cat /sys/kernel/tracing/trace")) {
		if p, ok := packet(line); ok {
			ps = append(ps, p)
		}
	}
	return ps
}

// Quiet waits until the agent has sent nothing for longer than two reports may lie apart
// (protocol.md 6). It empties the trace.
func (b *Box) Quiet() {
	b.t.Helper()
	const apart = 1500 * time.Millisecond
	b.ForgetTrace()
	start := time.Now()
	Until(b.t, "the agent is quiet", 20*time.Second, func() bool {
		if ps := b.Packets(); len(ps) > 0 {
			b.ForgetTrace()
			start = time.Now()
		}
		return time.Since(start) > apart
	})
}

// Marks is when something was written into the trace by hand since ForgetTrace.
func (b *Box) Marks() []time.Duration {
	b.t.Helper()
	var marks []time.Duration
	for line := range strings.Lines(b.Sh("cat /sys/kernel/tracing/trace")) {
		head, _, ok := strings.Cut(line, ": tracing_mark_write: ")
		if at, err := stamp(head); ok && err == nil {
			marks = append(marks, at)
		}
	}
	return marks
}

// stamp is the time at the end of a trace line's head.
func stamp(head string) (time.Duration, error) {
	words := strings.Fields(head)
	if len(words) == 0 {
		return 0, errors.New("no time")
	}
	return time.ParseDuration(words[len(words)-1] + "s")
}

// packet reads a line such as
//
//	longarm-agent-221 [000] ..... 16.727989: sock_send_length: sk address = ff…, family = AF_INET protocol = IPPROTO_TCP, length = 296, error = 0, flags = 0x0
func packet(line string) (p Packet, ok bool) {
	head, event, ok := strings.Cut(strings.TrimSpace(line), ": sock_")
	if !ok || !strings.HasPrefix(head, "longarm-agent-") {
		return p, false
	}
	at, err := stamp(head)
	if err != nil {
		return p, false
	}
	p.At, p.Sent = at, strings.HasPrefix(event, "send_length")
	_, after, _ := strings.Cut(event, "sk address = ")
	p.Socket, after, _ = strings.Cut(after, ",")
	_, after, _ = strings.Cut(after, "length = ")
	_, err = fmt.Sscanf(after, "%d", &p.Len)
	return p, err == nil
}
