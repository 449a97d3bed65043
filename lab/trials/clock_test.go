package trials

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

// caFile is the CA that the box trusts; with a CA and no pins dates count.
const caFile = "/etc/longarm/ca.pem"

// TestClockOf1970: a box without a clock, whose kernel says so, connects to a service whose
// certificate is valid, and to no other, and learns the time from what it has verified.
func TestClockOf1970(t *testing.T) {
	g := field.Start(t, guest.Options{Booted: true})
	service := field.Serve(t)
	front := service.Front(t)
	b := field.Install(t, g, service, twoOutputs)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the agent's log:\n%s", b.Log())
		}
	})
	today := time.Now().Truncate(time.Second)
	built, never := today.Add(-5*time.Hour), today.AddDate(0, 0, 90)
	b.Stamped(built)
	if err := b.Write(caFile, []byte(front.CA), 0o644); err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("url = \"https://%s:%s\"\n", field.GuestHost, front.Port)
	b.ConfigureVia(url+fmt.Sprintf("ca_file = %q", caFile), twoOutputs)
	b.Clock1970()
	if said := b.Sh("timedatectl show -p NTPSynchronized"); !strings.Contains(said, "=no") {
		t.Fatalf("%s, want a kernel that vouches for nothing", said)
	}

	front.Show(built.Add(-48*time.Hour), built.Add(-time.Hour))
	b.Sh("systemctl start " + field.Unit)
	pid := b.Prop("MainPID")
	says(t, b, fmt.Sprintf("the service's certificate ended at %s, here it is %s", wire(built.Add(-time.Hour)), wire(built)))
	if state := service.Look(t, b.Container.ID).State; state != "new" {
		t.Errorf("with a certificate that ended before the build the box is %s, want that it was never heard", state)
	}

	front.Show(built.Add(-24*time.Hour), never)
	b.Await("online", 2*time.Minute)
	serves(t, b, "lamp on")
	field.Until(t, "the time is kept", 10*time.Second, func() bool { return b.Fact("good_time") != "" })
	good := goodTime(t, b, today)
	if now := strings.TrimSpace(b.Sh("date +%Y")); now != "1970" {
		t.Errorf("the year in the guest is %s, want still 1970: the agent has no right to set it", now)
	}
	field.Figure(t, "connected in 1970, last good time "+wire(good))
	sameProcess(t, b, pid)

	// From here on today is the floor, over a restart too.
	front.Show(built.Add(-24*time.Hour), today.Add(-time.Hour))
	b.Sh("systemctl restart " + field.Unit)
	says(t, b, fmt.Sprintf("the service's certificate ended at %s, here it is %s", wire(today.Add(-time.Hour)), wire(good)))

	front.Show(today.Add(24*time.Hour), never)
	says(t, b, fmt.Sprintf("the clock is probably not set: here it is %s, the service's certificate is valid from %s", wire(good), wire(today.Add(24*time.Hour))))
	pid = b.Prop("MainPID")
	since := b.Now()
	b.SetClock(today.Add(25 * time.Hour))
	b.Saying("service reached again", since, 2*time.Minute)
	sameProcess(t, b, pid)

	b.Clock1970()
	front.Show(built.Add(-24*time.Hour), never)
	b.ConfigureVia(url+fmt.Sprintf("pins = [%q]", service.Pin), twoOutputs) // the proxy's key is another
	b.Sh("systemctl restart " + field.Unit)
	says(t, b, "the service's key fits none of the pins: it is sha256/")
}

// says waits until the status line, which people see, says why there is no connection.
func says(t *testing.T, b *field.Box, text string) {
	t.Helper()
	line := ""
	field.Until(t, "the status line says "+text, 90*time.Second, func() bool {
		line = b.Prop("StatusText")
		return strings.Contains(line, "not connected to ") && strings.Contains(line, text)
	})
	t.Log(line)
}

// goodTime is the floor that the agent has on disk. It must be the service's time.
func goodTime(t *testing.T, b *field.Box, start time.Time) time.Time {
	t.Helper()
	text := b.Fact("good_time")
	s, err := strconv.ParseInt(text, 10, 64)
	good := time.Unix(s, 0)
	if err != nil || good.Before(start) || good.After(time.Now()) {
		t.Errorf("the last good time is %q, %v; want one from %v until now", text, good, start)
	}
	return good
}

// wire is a time as the agent prints it.
func wire(at time.Time) string { return at.UTC().Format(time.RFC3339) }
