package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// demoPatience bounds the demo, which takes some five seconds.
const demoPatience = 60 * time.Second

// demoBinaries builds both programs into one folder, as make does.
func demoBinaries(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "longarm/cmd/longarm", "longarm/cmd/longarm-agent")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return dir
}

// demoCommand is the demo as a person starts it. Its folder for temporary
// files is dir, which tells what it leaves behind.
func demoCommand(t *testing.T, bin, dir string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), demoPatience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "longarm"), append([]string{"demo"}, args...)...)
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "TMPDIR="+dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * childLimit
	return cmd
}

// shortDir is a folder whose path leaves room for a unix socket's 107 bytes.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// left fails the test when something is in dir.
func left(t *testing.T, dir string) {
	t.Helper()
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Errorf("got %v, %v in the folder for temporary files; want nothing left", list, err)
	}
}

func TestDemo(t *testing.T) {
	bin, dir := demoBinaries(t), shortDir(t)
	start := time.Now()
	out, err := demoCommand(t, bin, dir).CombinedOutput() // the agent is found beside it
	if err != nil {
		t.Fatalf("got %v, want exit code 0:\n%s", err, out)
	}
	if took := time.Since(start); took > demoPatience/2 {
		t.Errorf("it took %s, want well under 30 s", took)
	}
	rest := string(out)
	for _, line := range []string{
		`operator → service +#1 call lamp on`,
		`service → operator +#1 expired`,
		`agent → service +polls: online`,
		`operator → service +#2 call router cycle 1s`,
		`service → agent +#2 router cycle 1s`,
		`agent → service +#2 acknowledged`,
		`agent → router +line active, load off  \(call #2\)`,
		`agent → router +line inactive, load on  \(call #2\)`,
		`agent → service +#2 succeeded`,
		`agent → lamp +line active, load on `,
		`agent → service +#4 succeeded: lamp on: the load is on already`,
		`world → door +on`,
		`agent → service +#7 succeeded: door wait`,
		`agent → lamp +line inactive, load off  \(lease over, call #8\)`,
		`agent → lcus +A0 03 01 A4`,
		`lcus → pump +line active, load on`,
		`agent → lcus +A0 03 00 A3`,
		`lcus → agent +"CH1: OFF`,
		`operator → service +#11 call fan on`,
		`agent → clone +A0 01 01 A2`,
		`clone → fan +line active, load on`,
		`service → operator +#11 fan on, load on \(line active\), proof: sent,`,
		`ok  sent: this clone never says a word`,
		`agent → modbus +01 06 00 01 00 01 19 CA`,
		`modbus → valve +line active, load on`,
		`modbus → agent +01 06 00 01 00 01 19 CA`,
		`service → operator +#12 valve on, load on \(line active\), proof: acked,`,
		`ok  acked: it says that it took it`,
		`lcus → pump +line active, load on`,
		`lcus → agent +"CH1: OFF.*CH3: ON `,
		`service → operator +#13 pump on, load on \(line active\), proof: readback,`,
		`ok  readback: the board was asked`,
		`clone → fan +line inactive, load off`,
		`modbus → valve +line inactive, load off`,
		`#18 failed: lamp pulse: refused: busy`,
		`#17 failed: lamp pulse: failed: ended by call #19`,
		`refused: unknown verb "explode"`,
		`agent → service +#23 succeeded: agent status`,
		`world → power +fail`,
		`agent → service +signs off: power-fail`,
		`agent → (router|lamp) +line inactive, load (on|off)  \(power-fail\)`,
		`garage  signed-off .* signed off: power-fail`,
		`service → operator +409 signed off: power-fail`,
		`world → power +ok`,
		`agent → service +polls: online`,
		`#26 succeeded: router read`,
		`agent → service +signs off: shutdown`,
		`26 calls \(20 succeeded, 5 failed, 1 expired\), 20 edges`,
	} {
		at := regexp.MustCompile(line).FindStringIndex(rest)
		if at == nil {
			t.Fatalf("no line %q, or not in this order, in:\n%s", line, out)
		}
		rest = rest[at[1]:]
	}
	if bytes.Contains(out, []byte("\x1b[")) {
		t.Error("got colours, want none with NO_COLOR and without a terminal")
	}
	left(t, dir)
}

// What is left running can be used from another terminal, and ends on ctrl-C.
func TestDemoKeep(t *testing.T) {
	bin, dir := demoBinaries(t), shortDir(t)
	cmd := demoCommand(t, bin, dir, "-keep", "-agent", filepath.Join(bin, agentName))
	var out safeBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !untilTrue(t.Context(), demoPatience/2, func() bool { return strings.Contains(out.String(), "on battery") }) {
		t.Errorf("it does not say how to play:\n%s", &out)
	}
	env := map[string]string{}
	for _, m := range regexp.MustCompile(`export (\w+)=(\S+)`).FindAllStringSubmatch(out.String(), -1) {
		env[m[1]] = m[2]
	}
	do := func(args ...string) (int, string) {
		var said bytes.Buffer
		code := run(t.Context(), args, func(name string) string { return env[name] }, &said, &said)
		return code, said.String()
	}
	code, said := do("call", demoBox, "router cycle 10ms")
	want(t, "call", code, exitDone, said, "succeeded", "load on")
	sockets, _ := filepath.Glob(filepath.Join(dir, "longarm-demo-*", "control")) // the pattern is right
	if len(sockets) != 1 {
		t.Fatalf("got control sockets %q, want one", sockets)
	}
	code, said = do("demo", "-control", sockets[0], "door off")
	want(t, "demo -control", code, exitDone, said, "door off: ok")
	code, said = do("demo", "-control", sockets[0], "window on")
	want(t, "demo -control", code, exitError, said, `no input`, "door")

	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ctrl-C: got %v, want exit code 0:\n%s", err, &out)
	}
	want(t, "what it saw", 0, 0, out.String(), "#27 call router cycle 10ms", "signs off: shutdown")
	left(t, dir)
}

// An agent that is none: the demo says what is wrong and leaves nothing behind.
func TestDemoFails(t *testing.T) {
	bin, dir := demoBinaries(t), shortDir(t)
	agent := filepath.Join(bin, "false")
	if err := os.WriteFile(agent, []byte("#!/bin/sh\necho I am no agent >&2\nexit 7\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := demoCommand(t, bin, dir, "-agent", agent).CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatalf("got %v, want an exit code:\n%s", err, out)
	}
	want(t, "a wrong agent", exit.ExitCode(), exitError, string(out), "the agent ended by itself: exit status 7", "I am no agent")
	left(t, dir)
}

func TestDemoNoAgent(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, tt := range []struct {
		name, args, says string
	}{
		{"nowhere", "demo", "there is no longarm-agent beside this binary or in PATH; `make build` makes both, -agent says where it is"},
		{"not there", "demo -agent /nowhere/agent", "there is no agent to run at /nowhere/agent (stat /nowhere/agent: no such file or directory)"},
		{"not a program", "demo -agent " + os.DevNull, "there is no agent to run at /dev/null (permission denied)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, err bytes.Buffer
			code := run(t.Context(), strings.Fields(tt.args), noEnv, &out, &err)
			want(t, tt.args, code, exitError, err.String(), tt.says)
			if out.Len() > 0 {
				t.Errorf("got %q on stdout, want nothing started", &out)
			}
		})
	}
}

func TestDemoUsage(t *testing.T) {
	for args, says := range map[string]string{
		"demo now":         `what is "now" for?`,
		"demo -control /x": "-control wants what to say",
	} {
		var out bytes.Buffer
		code := run(t.Context(), strings.Fields(args), noEnv, &out, &out)
		want(t, args, code, exitUsage, out.String(), says)
	}
}

// Lines of one step are printed by their times, those of the next behind them.
func TestTellerOrder(t *testing.T) {
	var out bytes.Buffer
	tell := newTeller(&out, false)
	at := func(ms int) time.Time { return tell.start.Add(time.Duration(ms) * time.Millisecond) }
	tell.say(at(3), rankClosed, "agent", "service", "d")
	tell.say(at(3), rankEdge, "agent", "lamp", "c")
	tell.say(at(1), rankQueued, "operator", "service", "a")
	tell.say(at(2), rankBox, "agent", "service", "b")
	tell.step()
	tell.say(at(2), rankQueued, "operator", "service", "e")
	tell.flush(true)
	var got strings.Builder
	for line := range strings.Lines(out.String()) {
		got.WriteByte(line[len(line)-2])
	}
	if got.String() != "abcde" {
		t.Errorf("got order %q, want abcde:\n%s", &got, &out)
	}
}

// The checks are what the demo is for: each of them fails when it must.
func TestDemoChecks(t *testing.T) {
	closed := time.Now()
	for _, tt := range []struct {
		name, says string
		w          wish
	}{
		{"state", `its state`, wish{state: "failed"}},
		{"answer", `the agent's answer`, wish{answer: "refused"}},
		{"load", `the load`, wish{load: "off"}},
		{"proof", `the proof`, wish{proof: "readback"}},
		{"sentence", `what it says`, wish{says: []string{"busy"}}},
		{"an edge too many", `edges of`, wish{edges: []string{"lamp active"}}},
		{"another edge", `edges of`, wish{edges: []string{"lamp active", "router inactive"}}},
		{"too fast", `the time between`, wish{edges: []string{"lamp active", "lamp inactive"}, apart: 2 * time.Second}},
		{"right", ``, wish{state: "succeeded", answer: "done", load: "on", proof: "sim", says: []string{"lamp on"}, edges: []string{"lamp active", "lamp inactive"}, apart: time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShow(command{}, t.TempDir(), "", newTeller(&bytes.Buffer{}, false))
			for i, active := range []bool{true, false} {
				s.seen.edge(edgeSeen{at: closed.Add(time.Duration(i) * time.Second), name: "lamp", active: active, by: "agent"})
			}
			var d callDoc
			err := decode([]byte(`{"messageId":"m","data":"lamp on","state":"succeeded","result":{"success":true,"message":"lamp on: done",
				"data":{"state":"done","proof":"sim","load":"on"}}}`), &d)
			if err != nil {
				t.Fatal(err)
			}
			s.seen.call(d)
			tt.w.data = "lamp on"
			if tt.w.edges == nil {
				tt.w.edges = []string{"lamp active", "lamp inactive"}
			}
			err = s.ends(t.Context(), "m", tt.w)
			var wrong *mismatch
			if tt.says == "" && err != nil || tt.says != "" && (!errors.As(err, &wrong) || !strings.Contains(wrong.what, tt.says)) {
				t.Errorf("got %v, want a mismatch of %q", err, tt.says)
			}
		})
	}
}

// safeBuffer may be read while a process writes into it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestTellerNamesACallThatItLearnsOfLate: the trace can be read before the
// service's event says which call an edge belongs to.
func TestTellerNamesACallThatItLearnsOfLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		tell := newTeller(&out, false)
		const id = "8c107eed-695a-4f2f-9f4e-b29432a7d151"
		tell.say(time.Now(), rankEdge, "agent", "router", "line active (call "+id+")")
		time.Sleep(2 * tellHold)
		tell.flush(false)
		if out.Len() > 0 {
			t.Errorf("printed before the call has a name: %q", out.String())
		}
		tell.name(id, "#7")
		tell.flush(false)
		if got := out.String(); !strings.Contains(got, "(call #7)") {
			t.Errorf("got %q, want the call's name", got)
		}
		tell.say(time.Now(), rankEdge, "agent", "router", "line inactive (call 00000000-0000-4000-8000-000000000000)")
		time.Sleep(nameHold)
		tell.flush(false)
		if got := out.String(); !strings.Contains(got, "00000000-0000") {
			t.Errorf("a call that never gets a name was kept back: %q", got)
		}
	})
}
