package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// cmdDeadPort: deadport NAME links NAME to a pty whose far end never reads and
// whose flow is stopped, so that it can be opened and takes no byte.
func cmdDeadPort(ts *testscript.TestScript, _ bool, args []string) {
	master, slave, err := pty.Open()
	ts.Check(err)
	ts.Defer(func() { _ = slave.Close(); _ = master.Close() })
	ts.Check(unix.IoctlSetInt(int(slave.Fd()), unix.TCXONC, unix.TCOOFF))
	ts.Check(os.Symlink(slave.Name(), ts.MkAbs(args[0])))
}

// cmdInit: init NAME is an init for what is started from here on, with a
// watchdog of 600 ms; what it is told goes to NAME.log.
func cmdInit(ts *testscript.TestScript, _ bool, args []string) {
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: ts.MkAbs(args[0]), Net: "unixgram"})
	ts.Check(err)
	log, err := os.Create(ts.MkAbs(args[0] + ".log"))
	ts.Check(err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for p := make([]byte, 4096); ; {
			n, err := socket.Read(p)
			if err != nil {
				return
			}
			fmt.Fprintf(log, "%s\n", p[:n])
		}
	}()
	ts.Defer(func() { _ = socket.Close(); <-done; _ = log.Close() })
	ts.Setenv("NOTIFY_SOCKET", ts.MkAbs(args[0]))
}

// underInit is the environment of a program below a script's init.
func underInit(ts *testscript.TestScript) []string {
	env := os.Environ()
	if socket := ts.Getenv("NOTIFY_SOCKET"); socket != "" {
		env = append(env, "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=600000")
	}
	return env
}

// cmdFed: fed NAME waits until the watchdog was fed three times more.
func cmdFed(ts *testscript.TestScript, _ bool, args []string) {
	feeds := func() int {
		text, err := os.ReadFile(ts.MkAbs(args[0] + ".log"))
		ts.Check(err)
		return strings.Count(string(text), "WATCHDOG=1")
	}
	before := feeds()
	until(ts, "the watchdog is fed", func() bool { return feeds() >= before+3 })
}

// cmdWaitShown: waitshown NAME REGEXP waits until `longarm ls NAME` prints a match.
func cmdWaitShown(ts *testscript.TestScript, _ bool, args []string) {
	re := regexp.MustCompile(args[1])
	until(ts, "longarm ls "+args[0]+" matches "+args[1], func() bool {
		ls := exec.Command(filepath.Join(binaries, "longarm"), "ls", args[0])
		ls.Env = append(os.Environ(), "NO_COLOR=1", "LONGARM_URL="+ts.Getenv("LONGARM_URL"), "LONGARM_TOKEN="+ts.Getenv("LONGARM_TOKEN"), "LONGARM_PIN="+ts.Getenv("LONGARM_PIN"))
		shown, _ := ls.CombinedOutput() // what it says decides
		return re.Match(shown)
	})
}
