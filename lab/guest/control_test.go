package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"longarm/lab/wire"
)

// inside answers a guest's requests as f says, over a pipe.
func inside(t *testing.T, f func(q wire.Request, say func(wire.Reply))) (*Guest, net.Conn) {
	t.Helper()
	host, far := net.Pipe()
	t.Cleanup(func() { _ = far.Close() })
	g := &Guest{control: newControl(host), done: make(chan struct{})}
	go g.control.read()
	go func() {
		enc := json.NewEncoder(far)
		for dec := json.NewDecoder(far); ; {
			var q wire.Request
			if dec.Decode(&q) != nil {
				return
			}
			f(q, func(r wire.Reply) { r.ID = q.ID; _ = enc.Encode(r) })
		}
	}()
	return g, far
}

// Replies find their requests in whatever order they come.
func TestRepliesAreSorted(t *testing.T) {
	var first func(wire.Reply)
	g, _ := inside(t, func(q wire.Request, say func(wire.Reply)) {
		if first == nil {
			first = say
			return
		}
		say(wire.Reply{Ev: wire.Data, Data: []byte("2a")})
		first(wire.Reply{Ev: wire.Data, Data: []byte("1a")})
		say(wire.Reply{Ev: wire.Data, Data: []byte("2b")})
		first(wire.Reply{Ev: wire.Fail, Msg: "no such file"})
		say(wire.Reply{Ev: wire.OK, NS: 7})
	})
	early, err := g.control.send(&wire.Request{Op: "get"})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := g.Do(wire.Request{Op: "get"}); err != nil || string(r.Data) != "2a2b" || r.NS != 7 {
		t.Errorf("the second gets %q, %v", r.Data, err)
	}
	if a, b := <-early, <-early; string(a.Data) != "1a" || b.Msg != "no such file" {
		t.Errorf("the first gets %v, %v", a, b)
	}
	if n := len(g.control.waiting); n != 0 {
		t.Errorf("%d requests are still waited for", n)
	}
}

func TestNoiseIsPassedOver(t *testing.T) {
	host, far := net.Pipe()
	c := newControl(host)
	go c.read()
	_, _ = io.WriteString(far, "\x00\xff\n{\"id\":1,\n\n"+`{"id":99,"ev":"ok"}`+"\n"+`{"ev":"hello"}`+"\n"+`{"ev":"hello"}`+"\n")
	<-c.hello
	_ = far.Close()
}

func TestProgram(t *testing.T) {
	g, _ := inside(t, func(q wire.Request, say func(wire.Reply)) {
		if q.Argv[0] == "missing" {
			say(wire.Reply{Ev: wire.Fail, Msg: "not found"})
			return
		}
		say(wire.Reply{Ev: wire.Started})
		say(wire.Reply{Ev: wire.Out, Data: []byte("out ")})
		say(wire.Reply{Ev: wire.Err, Data: []byte("err")})
		say(wire.Reply{Ev: wire.Exit, Code: 143})
	})
	if out, code, err := g.Run("there"); out != "out err" || code != 143 || err != nil {
		t.Errorf("got %q, %d, %v", out, code, err)
	}
	if _, code, err := g.Run("missing"); code != -1 || err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a missing program: %d, %v", code, err)
	}
}

// When the guest ends, nobody waits for ever: not what is under way, not what comes later.
func TestGone(t *testing.T) {
	var far net.Conn
	g, far := inside(t, func(q wire.Request, say func(wire.Reply)) {
		if q.Op == "exec" {
			say(wire.Reply{Ev: wire.Started})
			_ = far.Close()
		}
	})
	if _, code, err := g.Run("program"); code != -1 || !errors.Is(err, ErrGone) {
		t.Errorf("the program ends with %d, %v, want ErrGone", code, err)
	}
	for range 2 {
		if _, err := g.Do(wire.Request{Op: "hello"}); !errors.Is(err, ErrGone) {
			t.Errorf("later: %v, want ErrGone", err)
		}
	}
}

// A file goes in parts; an empty one is written too.
func TestWriteInParts(t *testing.T) {
	var got []string
	g, _ := inside(t, func(q wire.Request, say func(wire.Reply)) {
		got = append(got, fmt.Sprintf("%s %s %o more=%t %d", q.Op, q.Path, q.Mode, q.More, len(q.Data)))
		say(wire.Reply{Ev: wire.OK})
	})
	for _, n := range []int{0, large, large + 1} {
		if err := g.Write("/f", make([]byte, n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := "put /f 644 more=false 0, put /f 644 more=false 262144, put /f 644 more=false 262144, put /f 644 more=true 1"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}
