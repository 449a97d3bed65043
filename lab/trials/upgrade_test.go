package trials

import (
	"slices"
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

// TestUpgradeMovesNoLine: the agent is installed from its package, and a newer package is
// installed over it while it runs. The new version serves, and no line has moved.
func TestUpgradeMovesNoLine(t *testing.T) {
	g := field.Start(t, guest.Options{Booted: true})
	b := field.Packaged(t, g, field.Serve(t), fourLines, field.Deb(t, "1.0.0"))
	b.Up()
	switchOn(t, b)
	if v := b.Report().Agent.Version; v != "1.0.0" {
		t.Fatalf("the agent says that it is version %q, want 1.0.0", v)
	}
	heard := b.Service.Hear(t, b.Container.ID)
	pid := b.Prop("MainPID")
	b.Trace()
	field.Unpack(t, g, field.Deb(t, "1.1.0"))
	b.Restarted(pid, time.Minute)
	field.Until(t, "the new version has reported", time.Minute, func() bool { return b.Report().Agent.Version == "1.1.0" })
	if got := heard.Heard(); len(got) < 2 || !slices.Equal(got[len(got)-2:], []string{"signed-off update", "online"}) {
		t.Errorf("the service tells %q of the upgrade, want that the box signed off for an update and came back", got)
	}
	for _, l := range steadyLines {
		b.Still(l.line, l.offset, l.level)
	}
	if call := b.Do("on off"); call.State != "succeeded" {
		t.Errorf("a call to the new version: %+v, want it done", call)
	}
	b.Sh("dpkg --purge longarm-agent")
	b.Await("signed-off", 10*time.Second)
	if _, code, err := b.Run("/bin/ls", "/var/lib/longarm"); code == 0 || err != nil {
		t.Errorf("after a purge the state dir is still there, %v", err)
	}
}
