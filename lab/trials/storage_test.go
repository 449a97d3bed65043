package trials

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

// bite is the WatchdogSec of these trials: longer than a loaded host may make the agent
// late, and each trial lasts longer.
const bite = 8 * time.Second

// A state dir that can't be written: the box is there, says so in its status and to the
// service, serves plain on and off and what goes towards safe, and refuses the rest with a
// sentence that says why. The watchdog does not bite. Once the dir works, the next start
// takes it again, and moves no line.
func TestStateDirBreaksWhileServing(t *testing.T) {
	b := stored(t)
	for _, broken := range []struct{ how, by, mend, want string }{
		{"turns read-only", "echo u > /proc/sysrq-trigger", "mount -o remount,rw /", "read-only file system"},
		{"fills up", fill, "rm /var/lib/full", "no space left on device"},
	} {
		t.Log(broken.how)
		began, pid := b.Now(), b.Prop("MainPID")
		must(t, b, "lamp pulse 100ms")
		b.Sh(broken.by)
		degrade(t, b, broken.want)
		servesPlainOnly(t, b, broken.want)
		field.Until(t, "the watchdog would have bitten", 3*bite, func() bool { return b.Now()-began > bite+bite/2 })
		b.Sh(broken.mend)
		mended(t, b, pid)
	}
}

// The same when the dir is broken at the agent's start, or can't even be made.
func TestStateDirBrokenAtStart(t *testing.T) {
	b := stored(t)
	const readOnly = "mount --bind %[1]s %[1]s; mount -o remount,bind,ro %[1]s"
	for _, broken := range []struct{ how, by, mend, want string }{
		{"is full", fill, "rm /var/lib/full", "no space left on device"},
		{"is read-only", fmt.Sprintf(readOnly, "/var/lib/longarm"), "umount -l /var/lib/longarm", "read-only file system"},
		{"is missing on a read-only disk", "rm -r /var/lib/longarm; " + fmt.Sprintf(readOnly, "/var/lib"), "umount -l /var/lib", "read-only file system"},
	} {
		t.Log(broken.how)
		b.Sh("systemctl stop " + field.Unit + "; " + broken.by)
		b.Up()
		pid := b.Prop("MainPID")
		degrade(t, b, broken.want)
		servesPlainOnly(t, b, broken.want)
		b.Sh(broken.mend)
		mended(t, b, pid)
	}
}

// stored is a running box with a state dir, a trace, and a watchdog that bites soon.
func stored(t *testing.T) *field.Box {
	t.Helper()
	b := field.Install(t, field.Start(t, guest.Options{Booted: true}), field.Serve(t), twoOutputs)
	b.DropIn("watchdog", fmt.Sprintf("WatchdogSec=%.0f", bite.Seconds()))
	b.Trace()
	b.Up()
	return b
}

// fill leaves nothing of the disk to anybody but root.
const fill = "fallocate -l $(df --output=avail -B 1 /var/lib | tail -n 1) /var/lib/full"

// degrade calls until the journal had to be written where it can't, and waits for the words.
func degrade(t *testing.T, b *field.Box, want string) {
	t.Helper()
	field.Until(t, "the report names the state dir", 30*time.Second, func() bool {
		must(t, b, "lamp off")
		must(t, b, "lamp on")
		return b.Report().Fault(want) != ""
	})
	fault, status := b.Report().Fault(want), b.Prop("StatusText")
	for _, part := range []string{"state dir /var/lib/longarm: ", "goes on in /run/longarm/", "once the dir works, start the agent again"} {
		if !strings.Contains(fault, part) || !strings.Contains(status, part) {
			t.Errorf("want %q in the report %q and the status %q", part, fault, status)
		}
	}
}

// servesPlainOnly tries a call of each kind.
func servesPlainOnly(t *testing.T, b *field.Box, why string) {
	t.Helper()
	for _, call := range []string{"lamp off", "lamp on", "router off", "router on", "lamp read"} {
		must(t, b, call)
	}
	b.ForgetTrace()
	for _, call := range []string{"lamp pulse 100ms", "router pulse 100ms", "router cycle 1s", "lamp on 10s"} {
		c := b.Do(call)
		if c.State != "failed" || c.Result.Data.State != "refused" || !strings.Contains(c.Result.Message, "only plain on and off are served") || !strings.Contains(c.Result.Message, why) {
			t.Errorf("%s: %s, %q; want it refused, and why", call, c.State, c.Result.Message)
		}
	}
	for _, offset := range []int{17, 22} {
		if es := b.Edges(offset); len(es) > 0 {
			t.Errorf("a refused call set GPIO%d: %v", offset, es)
		}
	}
}

// mended is the way back: nothing was restarted on the way, the fault stands until the next
// start, and that keeps the lines where they are.
func mended(t *testing.T, b *field.Box, pid string) {
	t.Helper()
	if now, n := b.Prop("MainPID"), b.Prop("NRestarts"); now != pid || n != "0" {
		t.Errorf("pid %s, before %s, %s restarts; want none\n%s", now, pid, n, b.Log())
	}
	b.ForgetTrace()
	b.Sh("systemctl restart " + field.Unit)
	field.Until(t, "the report has no fault", 20*time.Second, func() bool {
		c := b.Service.Look(t, b.Container.ID)
		return c.State == "online" && len(b.Report().Agent.Faults) == 0
	})
	if v, err := b.Value("GPIO22"); v != 1 || err != nil {
		t.Errorf("the lamp's line is %d, %v after the restart; want 1", v, err)
	}
	for _, e := range b.Edges(22) {
		if e.Val != 1 {
			t.Errorf("the restart set the lamp's line: %v", e)
		}
	}
	must(t, b, "lamp pulse 100ms")
	must(t, b, "lamp on 1s")
}
