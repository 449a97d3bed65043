package trials

import (
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

const smokeLines = `
[[output]]
name = "router"
chip = "CHIP"
line = "GPIO17"
contact = "nc"
[[output]]
name = "lamp"
chip = "CHIP"
line = "GPIO22"
[[input]]
name = "door"
chip = "CHIP"
line = "GPIO24"
[power_fail]
chip = "CHIP"
line = "GPIO6"
active = "high"
`

// place is where a binary runs: a guest, or qemu-user.
type place struct {
	run         func(args ...string) (out string, code int)
	config, bad string   // paths of two configs
	sim         []string // flags that simulate the lines; none where they are real
	proof       string
}

// says runs a verb of the agent and wants an exit code, and a text in what it prints.
func (p place) says(t *testing.T, want int, text string, verb string, args ...string) {
	t.Helper()
	out, code := p.run(append([]string{verb}, args...)...)
	if code != want || !strings.Contains(out, text) {
		t.Errorf("%s %v: exit code %d, want %d with %q:\n%s", verb, args, code, want, text, out)
	}
}

// with are the flags of a verb that opens lines, and its words.
func (p place) with(words ...string) []string {
	return append(append([]string{"-config", p.config}, p.sim...), words...)
}

// alone is the smoke set without a service: each verb and each exit code that can be had.
func (p place) alone(t *testing.T, goarch string) {
	p.says(t, 0, "linux/"+goarch, "version")
	p.says(t, 0, "[[output]]", "config-reference")
	p.says(t, 0, "all right", "check", append([]string{"-config", p.config}, p.sim[:min(len(p.sim), 1)]...)...)
	p.says(t, 1, "sideways", "check", "-config", p.bad)
	p.says(t, 2, "unknown verb", "dance")
	p.says(t, 1, "no such file", "run", "-config", "/no/such/file")
	p.says(t, 3, `"state":"refused"`, "do", p.with("router explode")...)
	p.says(t, 0, `"proof":"`+p.proof+`"`, "do", p.with("router cycle 300ms")...)
	p.says(t, 0, "router: load on", "safe", p.with()...)
}

// served is the smoke set with the service: one call of each kind, and what others are
// told meanwhile. The agent runs.
func (p place) served(t *testing.T, s *field.Service, id string) {
	for call, active := range map[string]bool{"router cycle 300ms": false, "lamp on": true} {
		got := s.Do(t, id, call)
		if a := got.Result.Data; got.State != "succeeded" || a.State != "done" || a.Proof != p.proof || a.Active != active {
			t.Errorf("%s: %+v, want it done, active %v, proof %s", call, got, active, p.proof)
		}
	}
	if got := s.Do(t, id, "lamp explode"); got.State != "failed" || got.Result.Data.State != "refused" {
		t.Errorf("lamp explode: %+v, want refused", got)
	}
	p.says(t, 5, "longarm-agent run, pid", "do", p.with("router off")...)
	p.says(t, 5, "longarm-agent run, pid", "safe", p.with()...)
}

// TestSmokeInGuest runs the shipped arm64 and ARMv7 binaries on their kernels, and asks the
// kernel what moved and what the idle agent weighs.
func TestSmokeInGuest(t *testing.T) {
	for _, arch := range []string{"arm64", "arm"} {
		t.Run(arch, func(t *testing.T) {
			g := field.Start(t, guest.Options{Arch: arch, Booted: true})
			s := field.Serve(t)
			b := field.Install(t, g, s, smokeLines)
			p := place{config: field.ConfigFile, bad: "/run/bad.toml", proof: "readback", run: func(args ...string) (string, int) {
				out, code, err := b.Run(append([]string{field.Binary}, args...)...)
				if err != nil {
					t.Fatal(err)
				}
				return out, code
			}}
			b.Sh("sed 's/contact = .*/contact = \"sideways\"/' " + p.config + " > " + p.bad)

			b.Trace()
			p.alone(t, arch)
			cycled(t, b)

			b.Up()
			b.Sh("sleep 12") // the span is what is asked for: idle for more than ten seconds
			light(t, b)
			if r := b.Report(); r.Load("router") != "on" || len(r.Agent.Faults) > 0 {
				t.Errorf("after do and safe by root the agent reports %+v, want the router on and no fault", r)
			}
			b.Trace()
			p.served(t, s, b.Container.ID)
			cycled(t, b)
			if moves := b.Moves(22, 0); len(moves) != 1 || moves[0].Val != 1 {
				t.Errorf("the lamp's line moved %v, want up once", moves)
			}
			b.Sh("systemctl stop " + field.Unit)
			b.Await("signed-off", 10*time.Second)
			if code := b.Prop("ExecMainStatus"); code != "0" {
				t.Errorf("the stopped agent's exit code is %s, want 0", code)
			}
			p.says(t, 0, "lamp: load off", "safe", p.with()...)
		})
	}
}

// cycled wants that the router's line was active once since Trace, for the time asked for.
func cycled(t *testing.T, b *field.Box) {
	t.Helper()
	moves := b.Moves(17, 0)
	if len(moves) != 2 || moves[0].Val != 1 || moves[1].Val != 0 {
		t.Errorf("the router's line moved %v, want up once and down once", moves)
		return
	}
	width := moves[1].At - moves[0].At
	field.Figure(t, fmt.Sprintf("cycle 300ms took %.1f ms at the line", width.Seconds()*1000))
	if width < 300*time.Millisecond || width > time.Second {
		t.Errorf("the router's line was active for %v, want 300ms", width)
	}
}

// light wants that the idle agent is within the design's bar for memory.
func light(t *testing.T, b *field.Box) {
	t.Helper()
	const bar = 8 << 10 // KiB
	f := b.Footprint()
	field.Figure(t, "idle agent: "+f.String())
	if max(f.RSS, f.VmRSS) > bar || f.PSS > bar {
		t.Errorf("the idle agent has %s, want RSS and PSS of at most %d KiB", f, bar)
	}
}

// TestSmokeARMv6 runs the shipped ARMv6 binary on the processor of the first Raspberry Pi,
// with simulated lines: GPIO does not depend on the processor, instructions do.
func TestSmokeARMv6(t *testing.T) {
	field.Need(t)
	s := field.Serve(t)
	c := s.Add(t, "box-armv6")
	u := field.User(t, field.ARMv6, s, c, smokeLines)
	bin, trace := field.Agent(t, "armv6"), filepath.Join(u.Dir, "edges")
	p := place{config: u.Config, bad: u.Write("bad.toml", "[[output]]\nname = \"x\"\nline = \"1\"\ncontact = \"sideways\"\n"),
		sim: []string{"-sim", "-sim-trace", trace}, proof: "sim",
		run: func(args ...string) (string, int) { return u.Run(bin, args...) }}

	p.alone(t, "arm")
	if got, want := u.Moves(trace, "router"), "true false"; got != want {
		t.Errorf("the router's line moved %q, want %q", got, want)
	}
	stop := u.Start(bin, append([]string{"run"}, p.with()...)...)
	state := func(want string) func() bool {
		return func() bool { return s.Look(t, c.ID).State == want }
	}
	field.Until(t, "the service says online", 60*time.Second, state("online"))
	p.served(t, s, c.ID)
	if got, want := u.Moves(trace, "router")+", "+u.Moves(trace, "lamp"), "true false true false, true"; got != want {
		t.Errorf("router and lamp moved %q, want %q", got, want)
	}
	if code := stop(); code != 0 {
		t.Errorf("after SIGTERM the exit code is %d, want 0", code)
	}
	field.Until(t, "the service says signed-off", 10*time.Second, state("signed-off"))
	p.says(t, 0, "lamp: load off", "safe", p.with()...)
}

// TestShippedForItsProcessor: each binary is what its name says, static, and the ARMv6 one
// is not built for ARMv7: the processor of the first Pi kills such a one, and that the
// trial sees it is shown with the real ARMv7 binary.
func TestShippedForItsProcessor(t *testing.T) {
	field.Need(t)
	s := field.Serve(t)
	u := field.User(t, field.ARMv6, s, s.Add(t, "box-processor"), "")
	for _, w := range []struct {
		arch, goarm string
		machine     elf.Machine
		class       elf.Class
	}{
		{"armv6", "6", elf.EM_ARM, elf.ELFCLASS32},
		{"armv7", "7", elf.EM_ARM, elf.ELFCLASS32},
		{"arm64", "", elf.EM_AARCH64, elf.ELFCLASS64},
	} {
		bin := field.Agent(t, w.arch)
		info, err := buildinfo.ReadFile(bin)
		if err != nil {
			t.Fatalf("%s: %v", w.arch, err)
		}
		built := map[string]string{}
		for _, setting := range info.Settings {
			built[setting.Key] = setting.Value
		}
		if built["GOARM"] != w.goarm || built["CGO_ENABLED"] != "0" || built["GOOS"] != "linux" {
			t.Errorf("%s was built with GOARM %q, CGO_ENABLED %q, GOOS %q; want %q, 0, linux", w.arch, built["GOARM"], built["CGO_ENABLED"], built["GOOS"], w.goarm)
		}
		f, err := elf.Open(bin)
		if err != nil {
			t.Fatalf("%s: %v", w.arch, err)
		}
		if libs, _ := f.ImportedLibraries(); f.Machine != w.machine || f.Class != w.class || len(libs) > 0 || f.Section(".interp") != nil {
			t.Errorf("%s is %v %v and wants %v; want %v %v, static", w.arch, f.Machine, f.Class, libs, w.machine, w.class)
		}
		_ = f.Close()
	}
	if out, code := u.Run(field.Agent(t, "armv6"), "version"); code != 0 {
		t.Errorf("the ARMv6 binary on %s: exit code %d:\n%s", field.ARMv6, code, out)
	}
	const sigill = 128 + 4
	if out, code := u.Run(field.Agent(t, "armv7"), "version"); code != sigill {
		t.Errorf("the ARMv7 binary on %s: exit code %d, want %d (SIGILL), or the check above proves nothing:\n%s", field.ARMv6, code, sigill, out)
	}
}
