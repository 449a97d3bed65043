package trials

import (
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

const twoOutputs = `
[[output]]
name = "router"
chip = "CHIP"
line = "GPIO17"
contact = "nc"
[[output]]
name = "lamp"
chip = "CHIP"
line = "GPIO22"
`

// TestBecomesActive: the shipped unit starts the agent as a user without rights, and the
// agent says that it is ready only when it has its lines.
func TestBecomesActive(t *testing.T) {
	g := field.Start(t, guest.Options{Booted: true})
	b := field.Install(t, g, field.Serve(t), twoOutputs)

	w := b.Wedge("get-line", true)
	b.Sh("systemctl start --no-block " + field.Unit)
	w.Held(60 * time.Second)
	if state := b.Prop("ActiveState"); state != "activating" {
		t.Errorf("while its first line is not there yet the unit is %s, want activating", state)
	}
	w.Release()
	b.Restarted("0", 60*time.Second)
	w.Remove()
	b.Sh("systemctl stop " + field.Unit)

	b.Up() // as shipped
	if call := b.Do("lamp on"); call.State != "succeeded" || !call.Result.Data.Active {
		t.Errorf("lamp on: %+v, want succeeded and active", call)
	}
	if v, err := g.Value("GPIO22"); err != nil || v != 1 {
		t.Errorf("the lamp's line is %d, %v; want 1", v, err)
	}
	if text, want := b.Prop("StatusText"), "connected to "+field.GuestHost; !strings.HasPrefix(text, want) || !strings.Contains(text, "2 targets") {
		t.Errorf("the status line is %q, want %s… and 2 targets", text, want)
	}
	hardened(t, b)
}

// hardened looks at the process itself, not at what the unit says of it.
func hardened(t *testing.T, b *field.Box) {
	pid := b.Prop("MainPID")
	status := b.Sh("cat /proc/" + pid + "/status; echo Longarm: $(id -u longarm); getent group gpio dialout | tr : ' '")
	of := map[string][]string{}
	for line := range strings.Lines(status) {
		if f := strings.Fields(line); len(f) > 0 {
			of[strings.TrimSuffix(f[0], ":")] = f[1:]
		}
	}
	for name, want := range map[string]string{
		"Uid": of["Longarm"][0], "CapEff": "0000000000000000", "CapBnd": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2",
	} {
		if got := of[name]; len(got) == 0 || got[0] != want {
			t.Errorf("%s of the agent is %v, want %s", name, got, want)
		}
	}
	for _, group := range []string{"gpio", "dialout"} {
		if gid := of[group][1]; !strings.Contains(" "+strings.Join(of["Groups"], " ")+" ", " "+gid+" ") {
			t.Errorf("the agent is in the groups %v, want %s (%s) among them", of["Groups"], group, gid)
		}
	}
	b.Sh("touch /root/secret")
	for _, do := range []string{"echo > /usr/stain", "echo > /etc/stain", "cat /root/secret"} {
		if out, code, err := b.Run("/bin/sh", "-c", "nsenter -t "+pid+" -m sh -c '"+do+"'"); code == 0 || err != nil {
			t.Errorf("even root could, where the agent is: %s: %v %s", do, err, out)
		}
	}
	words := strings.Fields(b.Sh("systemd-analyze security --no-pager " + field.Unit + " | tail -n 1"))
	field.Figure(t, "systemd-analyze security: "+strings.Join(words[max(0, len(words)-3):], " "))
}
