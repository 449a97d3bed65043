package sim

import (
	"bufio"
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"longarm/hw/clock"
)

func TestTraceLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	m := machine(t, Options{Trace: path})
	out, err := m.Output("router", OutputOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before := clock.Monotonic().Microseconds()
	if proof, err := out.Set(true, `call "c1"`); proof != "sim" || err != nil {
		t.Fatalf("Set = %q, %v", proof, err)
	}
	after := clock.Monotonic().Microseconds()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at, rest, _ := strings.Cut(string(b), ",")
	if rest != `"name":"router","active":true,"why":"call \"c1\""}`+"\n" || !strings.HasPrefix(at, `{"t_us":`) {
		t.Errorf("trace = %q", b)
	}
	if e := readTrace(t, path)[0]; e.At < before || e.At > after {
		t.Errorf("t_us = %d, want %d to %d", e.At, before, after)
	}
}

func TestTornTrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	const whole = `{"t_us":1,"name":"a","active":true,"why":"x"}` + "\n" +
		`not an edge` + "\n" + `{"t_us":2,"name":"b","active":true,"why":"x"}` + "\n" +
		`{"t_us":3,"name":"b","active":false,"why":"x"}` + "\n"
	const last = `{"t_us":4,"name":"a","active":false,"why":"torn"}`
	for cut := range len(last) + 1 {
		if err := os.WriteFile(path, []byte(whole+last[:cut]), 0o600); err != nil {
			t.Fatal(err)
		}
		m := machine(t, Options{Trace: path})
		for name, want := range map[string]bool{"a": true, "b": false} {
			out, err := m.Output(name, OutputOptions{Keep: true, Fresh: !want})
			if err != nil {
				t.Fatal(err)
			}
			if got, _, _ := out.Active(); got != want || !out.Adopted() {
				t.Fatalf("cut at %d: %s = %v, adopted %v; want %v", cut, name, got, out.Adopted(), want)
			}
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != whole {
			t.Fatalf("cut at %d: file is %q, %v", cut, b, err)
		}
	}
}

func FuzzLastLevels(f *testing.F) {
	f.Add([]byte(`{"t_us":1,"name":"a","active":true,"why":"x"}` + "\n\x00\n{}\n[]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, ok := lastLevels(b)[""]; ok {
			t.Error("a level without a name")
		}
	})
}

func TestTraceThatCannotBeWritten(t *testing.T) {
	if _, err := New(Options{Trace: t.TempDir()}); err == nil {
		t.Error("New with a folder as trace: no error")
	}
	m := machine(t, Options{Trace: filepath.Join(t.TempDir(), "trace")})
	out, err := m.Output("a", OutputOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_ = m.trace.f.Close()
	if _, err := out.Set(true, ""); err == nil {
		t.Error("Set without a trace file: no error")
	}
	if active, _, _ := out.Active(); active {
		t.Error("the line moved although its edge was not recorded")
	}
	m.trace.f = nil
}

// serveControl runs m until the test ends and gives a connection to its control socket.
func serveControl(t *testing.T, m *Machine, path string) (ask func(line string) string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	ask = func(line string) string {
		t.Helper()
		if _, err := c.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
		answer, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(answer, "\n")
	}
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
		_ = c.Close()
	}
	return ask, stop
}

func TestControlSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control")
	m := machine(t, Options{Control: path})
	var edges []string // written by the socket's goroutine before it answers
	note := func(name string) func(bool, time.Duration) {
		return func(active bool, at time.Duration) {
			if at <= 0 {
				t.Error("edge without a time")
			}
			edges = append(edges, name+map[bool]string{true: "+", false: "-"}[active])
		}
	}
	led := m.Input("led", note("led"))
	power := m.Power(note("power"))
	ask, stop := serveControl(t, m, path)
	for _, c := range []struct{ line, want string }{
		{"led on", "ok"},
		{"led on", "ok"},
		{"power fail", "ok"},
		{"led off", "ok"},
		{"power ok", "ok"},
		{"led  on ", "ok"},
		{"door on", `error: no input "door"; inputs are led, power`},
		{"led fail", `error: "fail": want on or off`},
		{"power on", `error: want "power fail" or "power ok" and a power-fail line; inputs are led, power`},
		{"led", `error: want two words, as in "led on" or "power fail"; inputs are led, power`},
		{"", `error: want two words, as in "led on" or "power fail"; inputs are led, power`},
	} {
		if got := ask(c.line); got != c.want {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
	if want := []string{"led+", "power+", "led-", "power-", "led+"}; !slices.Equal(edges, want) {
		t.Errorf("edges = %v, want %v", edges, want)
	}
	if a, _ := led.Active(); !a {
		t.Error("led is inactive, want active")
	}
	if a, _ := power.Active(); a {
		t.Error("power is active, want inactive")
	}
	if got := ask(strings.Repeat("x", 2*maxLine)); got != "error: line is too long" {
		t.Errorf("long line: %q", got)
	}
	stop()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("socket is still there: %v", err)
	}
}

func TestControlWithoutInputs(t *testing.T) {
	m := machine(t, Options{})
	for _, line := range []string{"power fail", "led on"} {
		if err := m.Control(line); err == nil || !strings.Contains(err.Error(), "there are no inputs") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestControlSocketOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control")
	m := machine(t, Options{Control: path})
	if _, err := New(Options{Control: path}); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Fatalf("second New = %v, want that it is in use", err)
	}
	m.control.SetUnlinkOnClose(false) // as a killed process leaves it
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m = machine(t, Options{Control: path})
	m.Input("led", nil)
	ask, stop := serveControl(t, m, path)
	if got := ask("led on"); got != "ok" {
		t.Errorf("after a stale socket: %q", got)
	}
	stop()
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Control: path}); err == nil {
		t.Error("New over a file: no error")
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Error("New removed a file that is no socket")
	}
}

func TestRunWithoutControl(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := machine(t, Options{}).Run(ctx); err != nil {
		t.Error(err)
	}
}
