package trials

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

// needNoKernel are tests of hw/gpio that are the same everywhere: make test runs them.
const needNoKernel = "^(TestFind|TestScan|TestStoreName|TestParseFdinfo|FuzzParseFdinfo|TestInputOptions)"

// TestLinesOnKernel runs hw/gpio's own tests, the conformance suite of hw/hwtest among
// them, over the kernel's gpio-sim: on the two kernels and word sizes that boxes have.
func TestLinesOnKernel(t *testing.T) {
	const at = "/gpio.test"
	for _, arch := range []string{"arm64", "arm"} {
		t.Run(arch, func(t *testing.T) {
			field.Need(t)
			bin := field.Tests{Pkg: "./hw/gpio", Arch: arch}.Build(t)
			g := field.Start(t, guest.Options{Arch: arch, NoNet: true, Files: []guest.File{{Path: at, Src: bin}}})
			field.RunTests(t, g, arch+" mini", at, "-test.skip="+needNoKernel)
		})
	}
}

// TestLinesUnderRaceDetector runs the same with the race detector, which wants a C library.
func TestLinesUnderRaceDetector(t *testing.T) {
	const at = "/usr/local/bin/gpio.test"
	field.Need(t)
	bin := field.Tests{Pkg: "./hw/gpio", Arch: "arm64", Race: true}.Build(t)
	g := field.Start(t, guest.Options{Booted: true, Files: []guest.File{{Path: at, Src: bin}}})
	field.RunTests(t, g, "", at, "-test.skip="+needNoKernel)
}

// probeUnit runs hw/hwtest/fdprobe; what it holds is in a file, which init reads at each start.
const probeUnit = `[Service]
Type=notify
EnvironmentFile=/run/probe-%%i
ExecStart=/usr/local/bin/fdprobe -chip %s -line ${LINE} -active-low=${LOW} -drive
WatchdogSec=30
Restart=always
RestartSec=100ms
FileDescriptorStoreMax=16
`

// TestStoredDescriptorOutlivesKill holds a line with fdprobe, which is hw/gpio and
// hw/systemd and nothing else: init's descriptor store brings the line through kills, and
// through a restart with another polarity in the configuration, and the pin never moves.
// On ARMv7, where the kernel's interface has 32 bits; the whole agent is killed elsewhere.
func TestStoredDescriptorOutlivesKill(t *testing.T) {
	g := field.Start(t, guest.Options{Arch: "arm", Booted: true})
	field.Program(t, g, "./hw/hwtest/fdprobe", "/usr/local/bin/fdprobe")
	unit := fmt.Sprintf(probeUnit, guest.PiChip().Label)
	if err := g.Write("/run/systemd/system/probe@.service", []byte(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	b := field.Plain(t, g)
	b.Sh("systemctl daemon-reload")
	for _, p := range []probe{{t, b, "probe@high", "GPIO17", 17, 1}, {t, b, "probe@low", "GPIO22", 22, 0}} {
		p.outlives()
	}
}

// probe is one line that a fdprobe drives to its active level.
type probe struct {
	t      *testing.T
	b      *field.Box
	unit   string
	line   string
	offset int
	active int // level at the pin
}

func (p probe) outlives() {
	if _, err := p.b.Pull(p.line, 1-p.active); err != nil { // as a relay board pulls its input
		p.t.Fatal(err)
	}
	p.configure(p.active == 0)
	p.b.Sh("systemctl start " + p.unit)
	if _, err := p.b.WaitValue(p.line, p.active, 20*time.Second); err != nil {
		p.t.Fatal(err)
	}
	p.b.Trace()
	for range 2 {
		p.another("kill -9")
	}
	p.configure(p.active == 1)
	p.another("systemctl restart " + p.unit + " #")
	p.b.Still(p.line, p.offset, p.active)
	if n := p.prop("NFileDescriptorStore"); n != "1" {
		p.t.Errorf("%s: %s descriptors are stored, want 1", p.unit, n)
	}
	log := p.b.Sh("journalctl -o cat --no-pager -u " + p.unit)
	if n := strings.Count(log, "stored=1 adopted=true"); n != 3 {
		p.t.Errorf("%s adopted its stored line %d times, want 3 times:\n%s", p.unit, n, log)
	}
}

// configure says what the unit holds from its next start on.
func (p probe) configure(activeLow bool) {
	p.t.Helper()
	file := "/run/" + strings.Replace(p.unit, "@", "-", 1)
	if err := p.b.Write(file, fmt.Appendf(nil, "LINE=%s\nLOW=%v\n", p.line, activeLow), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p probe) prop(name string) string {
	p.t.Helper()
	return strings.TrimSpace(p.b.Sh("systemctl show -P " + name + " " + p.unit))
}

// another runs a command on the unit's process and waits for the next one.
func (p probe) another(command string) {
	p.t.Helper()
	pid := p.prop("MainPID")
	p.b.Sh(command + " " + pid)
	field.Until(p.t, p.unit+" is active again", 30*time.Second, func() bool {
		return p.prop("ActiveState") == "active" && p.prop("MainPID") != pid
	})
}

const onExpander = `
[[output]]
name = "router"
chip = "CHIP"
line = "GPIO17"
contact = "nc"
[[output]]
name = "relay"
chip = "expander"
line = "2"
[[input]]
name = "door"
chip = "expander"
line = "3"
[power_fail]
chip = "expander"
line = "4"
active = "high"
`

// TestChipRemovedUnderAgent: an expander is unplugged. Its output's calls fail and say why,
// the service is told within seconds that there is no power-fail line, the agent does not
// spin and serves its other lines; and all is well once the chip is back. The two kernels
// differ: one wakes the readers of a removed chip for ever, the other never.
func TestChipRemovedUnderAgent(t *testing.T) {
	for _, arch := range []string{"arm64", "arm"} {
		t.Run(arch, func(t *testing.T) {
			g := field.Start(t, guest.Options{Arch: arch, Booted: true})
			b := field.Install(t, g, field.Serve(t), onExpander)
			chip := b.Expander()
			b.Up()
			pid := b.Prop("MainPID")
			field.Until(t, "the service has a report", 20*time.Second, func() bool { return b.Report().Load("router") != "" })

			chip.Unplug()
			const fault = "power-fail line is gone"
			took := field.Until(t, "the service is told of the power-fail line", 40*time.Second, func() bool { return b.Report().Fault(fault) != "" })
			share := b.Busy(3)
			field.Figure(t, fmt.Sprintf("removed chip at the service after %.1f s, agent then uses %.0f %% of a processor", took.Seconds(), 100*share))
			if share > 0.25 {
				t.Errorf("the agent uses %.0f %% of a processor while the chip is away: it spins", 100*share)
			}
			for _, w := range []struct{ call, state, detail string }{
				{"relay on", "failed", "chip was removed"}, {"door read", "failed", `"expander": not found`}, {"router cycle 500ms", "succeeded", ""},
			} {
				if got := b.Do(w.call); got.State != w.state || !strings.Contains(got.Result.Data.Detail, w.detail) {
					t.Errorf("%s while the expander is away: %+v, want %s with %q", w.call, got, w.state, w.detail)
				}
			}

			chip.Plug()
			field.Until(t, "the fault is over", 40*time.Second, func() bool { return b.Report().Fault(fault) == "" })
			wait := b.Service.Send(t, b.Container.ID, "door wait on 30s")
			chip.Pull(3, 1)
			if got := b.Service.Follow(t, wait.MessageID, 50*time.Second); got.State != "succeeded" {
				t.Errorf("door wait on, with the chip back: %+v, want succeeded", got)
			}
			if now := b.Prop("MainPID"); now != pid {
				t.Errorf("the agent was restarted: process %s, then %s", pid, now)
			}
		})
	}
}
