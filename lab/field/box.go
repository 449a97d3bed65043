package field

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longarm/lab/guest"
)

// Where things lie in the guest, as in the package.
const (
	Binary     = "/usr/bin/longarm-agent"
	ConfigFile = "/etc/longarm/longarm.toml"
	KeyFile    = "/etc/longarm/key"
	Unit       = "longarm-agent.service"
)

// Box is a guest with the agent installed and a container of its own on the service.
type Box struct {
	*guest.Guest
	Service   *Service
	Container Container
	t         *testing.T
}

// Install puts the agent, its units, its user, its key and a config into a guest with
// systemd. config is what follows the [push] section, which it writes itself; "CHIP" in it
// becomes the label of the first simulated chip. Nothing is started.
func Install(t *testing.T, g *guest.Guest, s *Service, config string) *Box {
	t.Helper()
	b := &Box{Guest: g, Service: s, Container: s.Add(t, "box-"+strings.ToLower(t.Name())), t: t}
	b.put(Binary, Agent(t, agentArch(g)), 0o755)
	Sh(t, g, "getent group longarm >/dev/null || { groupadd -r longarm && useradd -r -g longarm -d /nonexistent -s /usr/sbin/nologin longarm; }; "+
		"mkdir -p /etc/longarm; chgrp gpio /dev/gpiochip*; chmod 660 /dev/gpiochip*")
	for _, unit := range []string{Unit, "longarm-safe.service"} {
		b.put("/run/systemd/system/"+unit, filepath.Join(Root(t), "packaging/systemd", unit), 0o644)
	}
	b.write(KeyFile, b.Container.Key+"\n", 0o640)
	b.Configure(config)
	Sh(t, g, "chown root:longarm "+KeyFile+"; systemctl daemon-reload")
	return b
}

// Configure writes the config anew, with the [push] section before it.
func (b *Box) Configure(config string) {
	b.t.Helper()
	push := fmt.Sprintf("[push]\nurl = \"https://%s:%s\"\ncontainer = %q\nkey_file = %q\npins = [%q]\n",
		GuestHost, b.Service.Port, b.Container.ID, KeyFile, b.Service.Pin)
	b.write(ConfigFile, push+strings.ReplaceAll(config, "CHIP", guest.PiChip().Label), 0o644)
}

// Up starts the agent and waits until the service has heard it.
func (b *Box) Up() {
	b.t.Helper()
	out, code, err := b.Run("/bin/systemctl", "start", Unit)
	if err != nil || code != 0 {
		b.t.Fatalf("systemctl start: %d, %v\n%s\n%s", code, err, out, b.Log())
	}
	b.Await("online", 30*time.Second)
}

// Await waits until the service says that the container is in that state.
func (b *Box) Await(state string, limit time.Duration) {
	b.t.Helper()
	Until(b.t, "the service says "+state, limit, func() bool { return b.Service.Look(b.t, b.Container.ID).State == state })
}

// Do sends a call and waits for its end.
func (b *Box) Do(data string) Call { b.t.Helper(); return b.Service.Do(b.t, b.Container.ID, data) }

// Prop is a property of the agent's unit, as systemctl show -P prints it.
func (b *Box) Prop(name string) string {
	b.t.Helper()
	return strings.TrimSpace(Sh(b.t, b.Guest, "systemctl show -P "+name+" "+Unit))
}

// Restarted waits until the unit is active with another process than pid.
func (b *Box) Restarted(pid string, limit time.Duration) {
	b.t.Helper()
	Until(b.t, "the unit is active again", limit, func() bool {
		return b.Prop("ActiveState") == "active" && b.Prop("MainPID") != pid
	})
}

// Log is the unit's journal with monotonic time.
func (b *Box) Log() string {
	b.t.Helper()
	out, _, _ := b.Run("/bin/journalctl", "-o", "short-monotonic", "-u", Unit, "--no-pager")
	return out
}

// Sh runs a shell command in the guest; one that does not end with 0 fails the test.
func (b *Box) Sh(command string) string { b.t.Helper(); return Sh(b.t, b.Guest, command) }

// Edges is what the kernel's trace says was set on a line of the first chip, oldest first.
// It needs TraceOutputs before.
func (b *Box) Edges(offset int) []guest.Edge {
	b.t.Helper()
	es, err := b.OutputEdges(offset)
	if err != nil {
		b.t.Fatalf("trace: %v", err)
	}
	return es
}

func (b *Box) put(path, src string, mode uint32) {
	b.t.Helper()
	text, err := os.ReadFile(src)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(path, string(text), mode)
}

func (b *Box) write(path, text string, mode uint32) {
	b.t.Helper()
	if err := b.Write(path, []byte(text), mode); err != nil {
		b.t.Fatalf("write %s: %v", path, err)
	}
}

func agentArch(g *guest.Guest) string {
	if g.Arch == "arm" {
		return "armv7"
	}
	return "arm64"
}
