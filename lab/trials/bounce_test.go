package trials

import (
	"slices"
	"testing"
	"time"

	"longarm/lab/field"
)

// The line bounces ten times within 20 ms, no spell as long as debounce, and ends where it
// was: nothing moves and nobody is told. Ending "lost", it is one power-fail.
func TestBounceOfThePowerLine(t *testing.T) {
	b, heard := powered(t, fourOutputs+powerFail(`restored_after = "200ms"`))
	t.Run("ends ok", func(t *testing.T) {
		before := bounce(t, b, heard, false)
		must(t, b, "lamp read")
		if got := heard.Heard()[before:]; len(got) > 0 {
			t.Errorf("the service tells %q after a bounce", got)
		}
		if es := b.Edges(22); len(es) > 0 {
			t.Errorf("a bounce set an output: %v", es)
		}
	})
	t.Run("ends lost", func(t *testing.T) {
		before := bounce(t, b, heard, true)
		heard.Await(t, "signed-off power-fail", 10*time.Second)
		level(t, b, "GPIO22", 0)
		out, _ := signOff(t, b, 0)
		power(t, b, false)
		heard.Await(t, "online", 10*time.Second)
		if got := heard.Heard()[before:]; !slices.Equal(got, []string{"signed-off power-fail", "online"}) {
			t.Errorf("the service tells %q after one power-fail", got)
		}
		alike := slices.DeleteFunc(b.Packets(), func(p field.Packet) bool { return !p.Sent || p.Len != out.Len })
		if len(alike) != 1 {
			t.Errorf("%d messages as long as a sign-off were sent, want one: %v", len(alike), alike)
		}
		if es := b.Edges(22); len(es) != 1 {
			t.Errorf("the lamp was set %d times, want once: %v", len(es), es)
		}
	})
}

// bounce bounces the power-fail line of a quiet box whose lamp is on, and tells how many
// states were heard before. A spell of "lost" that the busy host made as long as debounce is
// a power-fail and no bounce: then it is done over, once the box is back.
func bounce(t *testing.T, b *field.Box, heard *field.States, lost bool) (before int) {
	t.Helper()
	const debounce, limit = 2 * time.Millisecond, 20 * time.Millisecond
	end := ""
	if lost {
		end = "echo pull-up > $p"
	}
	for range 20 {
		must(t, b, "lamp on")
		b.Quiet()
		before = len(heard.Heard())
		b.ForgetTrace()
		b.Sh("p=$(echo /sys/devices/platform/gpio-sim.*/gpiochip*/sim_gpio27/pull); m=/sys/kernel/tracing/trace_marker; " +
			"for i in 1 2 3 4 5 6 7 8 9 10; do echo up > $m; echo pull-up > $p; echo pull-down > $p; echo down > $m; done; " + end)
		marks := b.Marks()
		longest := time.Duration(0)
		for i := 0; i+1 < len(marks); i += 2 {
			longest = max(longest, marks[i+1]-marks[i])
		}
		if len(marks) == 20 && longest < debounce && marks[19]-marks[0] <= limit {
			t.Logf("ten bounces in %v, the longest %v", marks[19]-marks[0], longest)
			return before
		}
		t.Logf("no bounce, since the host was busy: %d marks, %v long", len(marks), longest)
		power(t, b, false)
		field.Until(t, "the box is back", 10*time.Second, func() bool {
			c, err := b.Service.SendFor(t, b.Container.ID, "lamp read", time.Minute)
			return err == nil && b.Service.Follow(t, c.MessageID, 10*time.Second).State == "succeeded"
		})
	}
	t.Fatal("the host is too busy to bounce a line")
	return 0
}
