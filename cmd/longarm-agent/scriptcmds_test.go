package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"

	"longarm/device/board/boardsim"
)

// cmdServe: serve [ADDR] starts `longarm serve` on the data dir "data" as
// process "serve", and points the client verbs at it.
func cmdServe(ts *testscript.TestScript, _ bool, args []string) {
	addr := "127.0.0.1:0"
	if len(args) > 0 {
		addr = args[0]
	}
	launch(ts, "serve", "longarm", "serve", "-data", ts.MkAbs("data"), "-listen", addr)
	listening := ts.MkAbs("data/listen.addr")
	until(ts, "the service listens", func() bool {
		text, err := os.ReadFile(listening)
		return err == nil && dials(strings.TrimSpace(string(text)))
	})
	bound := strings.TrimSpace(ts.ReadFile(listening))
	ts.Setenv("LISTEN", bound)
	ts.Setenv("LONGARM_URL", "https://"+bound)
	ts.Setenv("LONGARM_TOKEN", strings.TrimSpace(ts.ReadFile(ts.MkAbs("data/admin.token"))))
	ts.Setenv("LONGARM_PIN", strings.TrimSpace(ts.ReadFile(ts.MkAbs("data/tls.pin"))))
}

func dials(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// cmdBox: box NAME adds a container and turns NAME.toml, which has no [push]
// and no [state], into a whole config with key file and state dir.
func cmdBox(ts *testscript.TestScript, _ bool, args []string) {
	name := args[0]
	add := exec.Command(filepath.Join(binaries, "longarm"), append([]string{"container", "add", name}, args[1:]...)...)
	add.Env = append(os.Environ(), "LONGARM_URL="+ts.Getenv("LONGARM_URL"), "LONGARM_TOKEN="+ts.Getenv("LONGARM_TOKEN"), "LONGARM_PIN="+ts.Getenv("LONGARM_PIN"))
	out, err := add.Output()
	ts.Check(err)
	var made struct{ ID, Key string }
	ts.Check(json.Unmarshal(out, &made))
	ts.Check(os.WriteFile(ts.MkAbs(name+".key"), []byte(made.Key+"\n"), 0o600))
	ts.Setenv("CONTAINER", made.ID)
	path := ts.MkAbs(name + ".toml")
	head := fmt.Sprintf("[push]\nurl = %q\ncontainer = %q\nkey_file = %q\npins = [%q]\n[state]\ndir = %q\n",
		ts.Getenv("LONGARM_URL"), made.ID, ts.MkAbs(name+".key"), ts.Getenv("LONGARM_PIN"), ts.MkAbs(name+".state"))
	ts.Check(os.WriteFile(path, []byte(head+ts.ReadFile(path)), 0o644))
}

// cmdStart: start NAME PROGRAM ARGS… runs a program in the background.
func cmdStart(ts *testscript.TestScript, _ bool, args []string) { launch(ts, args[0], args[1:]...) }

// cmdSignal: signal NAME TERM|KILL.
func cmdSignal(ts *testscript.TestScript, _ bool, args []string) {
	sig := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}[args[1]]
	ts.Check(named(ts, args[0]).cmd.Process.Signal(sig))
}

func named(ts *testscript.TestScript, name string) *process {
	p, ok := processes(ts)[name]
	if !ok {
		ts.Fatalf("no process %q", name)
	}
	return p
}

// cmdStopped: stopped NAME [CODE] waits for the end; CODE is its exit code.
func cmdStopped(ts *testscript.TestScript, _ bool, args []string) {
	p := named(ts, args[0])
	select {
	case <-p.done:
	case <-time.After(patience):
		ts.Fatalf("%s does not end", args[0])
	}
	if len(args) > 1 && args[1] != fmt.Sprint(p.code) {
		ts.Fatalf("%s ended with %d, want %s; its log:\n%s", args[0], p.code, args[1], ts.ReadFile(ts.MkAbs(args[0]+".log")))
	}
}

// cmdWaitFor: waitfor FILE REGEXP waits until the file has a match.
func cmdWaitFor(ts *testscript.TestScript, _ bool, args []string) {
	re := regexp.MustCompile(args[1])
	path := ts.MkAbs(args[0])
	until(ts, args[0]+" matches "+args[1], func() bool {
		text, err := os.ReadFile(path)
		return err == nil && re.Match(text)
	})
}

// cmdWaitLs: waitls REGEXP waits until `longarm ls` prints a match.
func cmdWaitLs(ts *testscript.TestScript, _ bool, args []string) {
	re := regexp.MustCompile(args[0])
	var last []byte
	until(ts, "longarm ls matches "+args[0], func() bool {
		ls := exec.Command(filepath.Join(binaries, "longarm"), "ls")
		ls.Env = append(os.Environ(), "NO_COLOR=1", "LONGARM_URL="+ts.Getenv("LONGARM_URL"), "LONGARM_TOKEN="+ts.Getenv("LONGARM_TOKEN"), "LONGARM_PIN="+ts.Getenv("LONGARM_PIN"))
		last, _ = ls.CombinedOutput() // what it says decides
		return re.Match(last)
	})
	ts.Logf("%s", last)
}

// cmdEdges: edges TRACE 'NAME on|off WHY'… wants exactly these edges, in order.
func cmdEdges(ts *testscript.TestScript, _ bool, args []string) {
	var got []string
	f, err := os.Open(ts.MkAbs(args[0]))
	if err == nil {
		defer f.Close()
		for scan := bufio.NewScanner(f); scan.Scan(); {
			var e struct {
				Name, Why string
				Active    bool
			}
			ts.Check(json.Unmarshal(scan.Bytes(), &e))
			got = append(got, fmt.Sprintf("%s %v", e.Name, map[bool]string{true: "active", false: "inactive"}[e.Active]))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(args[1:]) {
		ts.Fatalf("edges %q, want %q", got, args[1:])
	}
}

// cmdBoard: board NAME CHANNELS puts a simulated LCUS board behind a real pty,
// links its device to NAME and appends what its relays do to NAME.relays.
func cmdBoard(ts *testscript.TestScript, _ bool, args []string) {
	master, slave, err := pty.Open()
	ts.Check(err)
	ts.Check(os.Symlink(slave.Name(), ts.MkAbs(args[0])))
	var channels int
	_, err = fmt.Sscan(args[1], &channels)
	ts.Check(err)
	b, err := boardsim.New("lcus", channels, 0, boardsim.Quirks{})
	ts.Check(err)
	log, err := os.Create(ts.MkAbs(args[0] + ".relays"))
	ts.Check(err)
	b.Watch(func(channel int, active bool) { fmt.Fprintf(log, "relay %d %v\n", channel, active) })
	done := make(chan struct{})
	go func() { defer close(done); _ = boardsim.Serve(master, b) }() // ends when the pty closes
	ts.Defer(func() { _ = slave.Close(); _ = master.Close(); <-done; _ = log.Close() })
}

// cmdControl: control SOCKET LINE moves a simulated input.
func cmdControl(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	var c net.Conn
	until(ts, "the control socket answers", func() bool {
		var err error
		c, err = net.Dial("unix", path)
		return err == nil
	})
	defer c.Close()
	_, err := fmt.Fprintln(c, args[1])
	ts.Check(err)
	reply, err := bufio.NewReader(c).ReadString('\n')
	ts.Check(err)
	if (reply != "ok\n") != neg {
		ts.Fatalf("control %q: %s", args[1], reply)
	}
}

// until waits for a condition of another process, with patience.
func until(ts *testscript.TestScript, what string, ok func() bool) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	ts.Fatalf("not within %s: %s", patience, what)
}
