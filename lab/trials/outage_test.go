package trials

import (
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
)

// TestAnHourOfTroubleRestartsNothing: the service away, a state dir that can't be written,
// a key that the service refuses: an hour of guest time each, which runs ahead, and the
// agent is the same process, fed, and serves when the trouble is over.
func TestAnHourOfTroubleRestartsNothing(t *testing.T) {
	g := field.Start(t, field.Counted())
	s := field.Serve(t)
	b := field.Install(t, g, s, twoOutputs)
	brake := field.PutBrake(t, g)
	b.Up()

	t.Run("service away", func(t *testing.T) {
		outlives(t, b, brake, s.Kill, func() { s.Start(t) })
	})
	t.Run("key refused", func(t *testing.T) {
		b.Sh("systemctl stop " + field.Unit + " && cp -p " + field.KeyFile + " /run/key && echo another > " + field.KeyFile + " && systemctl start " + field.Unit)
		field.Until(t, "the status line tells", time.Minute, func() bool { return strings.Contains(b.Prop("StatusText"), "401") })
		outlives(t, b, brake, func() {}, func() { b.Sh("cp -p /run/key " + field.KeyFile + " && systemctl restart " + field.Unit) })
	})
	t.Run("state dir read-only", func(t *testing.T) {
		b.Sh("systemctl stop " + field.Unit + " && mount -t tmpfs -o mode=755,uid=longarm,gid=longarm state /var/lib/longarm && mount -o remount,ro /var/lib/longarm")
		b.Up()
		outlives(t, b, brake, func() {}, func() {})
		if b.Report().Fault("/var/lib/longarm") == "" {
			t.Errorf("the box does not tell of its state dir: %+v", b.Report())
		}
	})
}

// outlives lets an hour of trouble pass.
func outlives(t *testing.T, b *field.Box, brake *field.Brake, begin, end func()) {
	t.Helper()
	pid, start, host := b.Prop("MainPID"), b.Now(), time.Now()
	begin()
	brake.Off()
	field.Until(t, "an hour of guest time", 3*time.Minute, func() bool { return b.Now() > start+time.Hour })
	if now, n := b.Prop("MainPID"), b.Prop("NRestarts"); now != pid || n != "0" || b.Prop("ActiveState") != "active" {
		t.Errorf("process %s became %s with %s restarts, want the same one all the time\n%s", pid, now, n, b.Log())
	}
	passed := b.Now() - start
	end()
	if call := b.DoInTime(brake, "lamp on"); call.State != "succeeded" {
		t.Errorf("lamp on after the trouble: %+v", call)
	}
	field.Figure(t, passed.Round(time.Second).String()+" in "+time.Since(host).Round(time.Second).String())
}
