package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds each wait of a script; it is never reached in a good run.
const patience = 20 * time.Second

// binaries is the folder of the two real programs, built once.
var binaries string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "longarm-bin")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		build := exec.Command("go", "build", "-o", dir, "longarm/cmd/longarm", "longarm/cmd/longarm-agent")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		binaries = dir
		return m.Run()
	}())
}

// TestScripts drives the real binaries over real TLS on loopback and a real pty.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", binaries+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("NO_COLOR", "1")
			e.Values[processKey{}] = map[string]*process{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":     cmdServe,
			"box":       cmdBox,
			"start":     cmdStart,
			"signal":    cmdSignal,
			"stopped":   cmdStopped,
			"waitfor":   cmdWaitFor,
			"waitls":    cmdWaitLs,
			"edges":     cmdEdges,
			"board":     cmdBoard,
			"control":   cmdControl,
			"deadport":  cmdDeadPort,
			"init":      cmdInit,
			"fed":       cmdFed,
			"waitshown": cmdWaitShown,
		},
	})
}

// processKey finds a script's processes, by name.
type processKey struct{}

func processes(ts *testscript.TestScript) map[string]*process {
	return ts.Value(processKey{}).(map[string]*process)
}

// process is a program that a script started in the background.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	code int
}

// launch starts a program whose output goes to $WORK/NAME.log.
func launch(ts *testscript.TestScript, name string, args ...string) {
	log, err := os.OpenFile(ts.MkAbs(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	ts.Check(err)
	cmd := exec.Command(filepath.Join(binaries, args[0]), args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), underInit(ts), log, log
	ts.Check(cmd.Start())
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the code tells
		p.code = cmd.ProcessState.ExitCode()
		_ = log.Close()
		close(p.done)
	}()
	processes(ts)[name] = p
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		<-p.done
	})
}
