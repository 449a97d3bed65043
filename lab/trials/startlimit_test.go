package trials

import (
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
)

// safeUnit is what the agent's unit starts when it is given up.
const safeUnit = "longarm-safe.service"

// TestStartLimitMakesSafe: an agent that is killed again and again is given up by systemd:
// the outputs go safe, and the agent comes back by itself and tells of its crash loop.
func TestStartLimitMakesSafe(t *testing.T) {
	g := field.Start(t, field.Counted())
	b := field.Install(t, g, field.Serve(t), twoOutputs)
	brake := field.PutBrake(t, g)
	b.Up()
	for _, do := range []string{"lamp on", "router off"} {
		if call := b.Do(do); call.State != "succeeded" {
			t.Fatalf("%s: %+v", do, call)
		}
	}

	t.Run("killed", func(t *testing.T) {
		b.Trace()
		brake.Off()
		killUntilFailed(b)
		field.Until(t, safeUnit+" has run", time.Minute, func() bool { return unitProp(b, safeUnit, "ExecMainExitTimestampMonotonic") != "0" })
		if log := b.Log(); !strings.Contains(log, "Start request repeated too quickly") {
			t.Errorf("systemd does not say that it has given the agent up:\n%s", log)
		}
		madeSafe(t, b, "lamp", "GPIO22", 22)
		madeSafe(t, b, "router", "GPIO17", 17) // nc: load on is inactive
		safe := b.Now()
		b.Restarted("0", time.Minute)
		took := b.Stamp("ActiveEnter") - safe
		brake.On()
		if took < 30*time.Second || took > 75*time.Second {
			t.Errorf("the agent came back %v after the outputs were made safe, want about a minute", took)
		}
		b.Await("online", time.Minute)
		crashLoop(t, b, brake)
		field.Figure(t, "back "+took.Round(time.Second).String()+" after safe")
	})
	t.Run("config gone", func(t *testing.T) {
		b.Sh("mv " + field.ConfigFile + " /run/away; systemctl restart --no-block " + field.Unit)
		brake.Off()
		for range 2 { // each time it is given up it gets another chance
			field.Until(t, "the agent is given up", time.Minute, func() bool { return b.Prop("ActiveState") == "failed" })
			field.Until(t, "the agent is tried again", time.Minute, func() bool { return b.Prop("ActiveState") != "failed" })
		}
		b.Sh("mv /run/away " + field.ConfigFile)
		b.Restarted("0", time.Minute)
		brake.On()
		b.Await("online", time.Minute)
	})
}

// killUntilFailed sends SIGKILL once the agent is up, a second apart, until systemd gives
// it up.
func killUntilFailed(b *field.Box) {
	b.Sh(`for kill in $(seq 40); do
	set -- $(systemctl show -P MainPID -P ActiveState ` + field.Unit + `)
	test $2 != failed || exit 0
	test $2 != active || kill -9 $1
	sleep 1
done
exit 1`)
}

// madeSafe wants the last word on a line of an output to be "inactive", said by the safe
// unit: the line had been let go before, when systemd emptied the agent's store.
func madeSafe(t *testing.T, b *field.Box, name, line string, offset int) {
	t.Helper()
	edges, freed := b.Edges(offset), b.Freed(offset)
	if len(edges) == 0 || len(freed) == 0 {
		t.Fatalf("%s: set %v, let go %v; want both", name, edges, freed)
	}
	if last := edges[len(edges)-1]; last.Val != 0 || last.At < freed[0] {
		t.Errorf("%s was set last to %d at %v, let go at %v; want it set to 0 after that", name, last.Val, last.At, freed)
	}
	if v, err := b.Value(line); err != nil || v != 0 {
		t.Errorf("%s is at %d, %v; want 0", line, v, err)
	}
}

// crashLoop wants the box to tell of its crash loop, and to move only towards safe until it
// has been up for ten minutes.
func crashLoop(t *testing.T, b *field.Box, brake *field.Brake) {
	t.Helper()
	field.Until(t, "the box reports", time.Minute, func() bool { return b.Report().Agent.Cause != "" })
	const told = "safe mode after a crash loop: only moves towards safe"
	if r := b.Report(); r.Agent.Cause != "crash" || r.Fault(told) == "" {
		t.Errorf("the box reports %+v, want a crash and %q", r.Agent, told)
	}
	if call := b.Do("lamp on"); call.State != "failed" || call.Result.Data.State != "refused" || !strings.Contains(call.Result.Data.Detail, told) {
		t.Errorf("lamp on in safe mode: %+v, want refused: %s", call, told)
	}
	if call := b.Do("lamp off"); call.State != "succeeded" {
		t.Errorf("lamp off in safe mode: %+v, want succeeded", call)
	}
	passes(t, b, brake, 11*time.Minute)
	if call := b.DoInTime(brake, "lamp on"); call.State != "succeeded" {
		t.Errorf("lamp on after ten minutes up: %+v, want succeeded", call)
	}
}

// passes lets guest time pass, and run ahead from then on.
func passes(t *testing.T, b *field.Box, brake *field.Brake, d time.Duration) {
	t.Helper()
	brake.Off()
	end := b.Now() + d
	field.Until(t, d.String()+" pass in the guest", d, func() bool { return b.Now() >= end })
}

func unitProp(b *field.Box, unit, name string) string {
	return strings.TrimSpace(b.Sh("systemctl show -P " + name + " " + unit))
}
