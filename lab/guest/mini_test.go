package guest

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"longarm/lab/wire"
)

// Programs end with their own code, or with that of the signal that ended them, and their
// two streams stay apart.
func TestPrograms(t *testing.T) {
	g := boot(t, Options{NoNet: true, Files: []File{{Path: "/etc/motd", Data: []byte("hello")}, {Path: "/etc/greeting", Link: "motd"}}})
	for command, want := range map[string]int{"true": 0, "exit 3": 3, "kill -9 $$": 137, "exec nothing": 127} {
		if _, code, err := g.Run("/bin/sh", "-c", command); code != want || err != nil {
			t.Errorf("%s ends with %d, %v, want %d", command, code, err, want)
		}
	}
	if out, code, err := g.Run("/no/such"); err == nil {
		t.Errorf("a program that is not there: %q, %d", out, code)
	}
	var out, errw output
	p, err := g.Spawn(&out, &errw, []string{"A=b"}, "/bin/sh", "-c", "echo $A; cat /etc/greeting; echo there >&2; exec sleep 1000")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, g, "it prints", 10*time.Second, func() bool { return errw.String() != "" })
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(); code != 143 || err != nil || out.String() != "b\nhello" || errw.String() != "there\n" {
		t.Errorf("ended with %d, %v, printed %q and %q", code, err, out.String(), errw.String())
	}
	if err := p.Signal(syscall.SIGTERM); err == nil {
		t.Error("a program that has ended takes a signal")
	}
	g.Kill()
	if _, _, err := g.Run("/bin/true"); err == nil {
		t.Error("a guest without power runs a program")
	}
}

// What was synced survives a power cut, what was not is lost.
func TestPowerCut(t *testing.T) {
	Need(t)
	disk := filepath.Join(t.TempDir(), "data.img")
	if out, err := exec.Command("sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; truncate -s 16M '"+disk+"' && mke2fs -q -t ext4 '"+disk+"'").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const mount = "mkdir -p /mnt && mount -t ext4 /dev/vda /mnt && "
	g := boot(t, Options{NoNet: true, Data: disk})
	sh(t, g, mount+"echo one > /mnt/synced && sync && echo two > /mnt/unsynced")
	g.Kill()
	g = boot(t, Options{NoNet: true, Data: disk})
	if got := sh(t, g, mount+"cat /mnt/synced; ls /mnt"); strings.Contains(got, "unsynced") || !strings.HasPrefix(got, "one\n") {
		t.Errorf("after the cut: %q", got)
	}
}

// The trace covers the boot, tells chips apart, and does not hide that it lost something.
func TestTraceFromTheFirstMoment(t *testing.T) {
	chips := []wire.Chip{PiChip(), {Name: "relays", Label: "relays", Lines: 8}}
	chips[0].Pulls = map[int]int{4: 1}
	for _, arch := range []string{"arm64", "arm"} {
		t.Run(arch, func(t *testing.T) {
			g := boot(t, Options{Arch: arch, NoNet: true, Chips: chips, Trace: true})
			for line, want := range map[string]int{"GPIO4": 1, "GPIO5": 0, "pinctrl-bcm2711:4": 1, "relays:3": 0} {
				if v, err := g.Value(line); v != want || err != nil {
					t.Errorf("%s is %d, %v, want %d", line, v, err, want)
				}
			}
			if es, err := g.OutputEdges(17); len(es) > 0 || err != nil {
				t.Errorf("edges of a boot: %v, %v", es, err)
			}
			sh(t, g, drive("pinctrl-bcm2711", 17, 1)+drive("relays", 3, 0)+drive("pinctrl-bcm2711", 17, 0))
			for label, want := range map[string]string{"pinctrl-bcm2711:17": "1 0", "pinctrl-bcm2711:3": "", "relays:3": "0"} {
				chip, offset, _ := strings.Cut(label, ":")
				n := 0
				_, _ = fmt.Sscan(offset, &n)
				if got := levels(t, g, chip, n); got != want {
					t.Errorf("%s was set to %q, want %q", label, got, want)
				}
			}
			sh(t, g, "cd /sys/kernel/tracing; echo 4 > buffer_size_kb; i=0; while [ $i -lt 900 ]; do echo some words of a line > trace_marker; i=$((i+1)); done")
			if es, err := g.OutputEdges(17); err == nil {
				t.Errorf("of a trace that lost records it says %v", es)
			}
			sh(t, g, "echo 0 > /sys/kernel/tracing/events/gpio/gpio_value/enable")
			if es, err := g.OutputEdges(17); err == nil {
				t.Errorf("of a trace that is off it says %v", es)
			}
			if err := g.TraceOutputs(); err != nil {
				t.Fatal(err)
			}
			if got := levels(t, g, "pinctrl-bcm2711", 17); got != "" {
				t.Errorf("a trace begun anew says %q", got)
			}
		})
	}
}

// drive is the shell command that sets a line by sysfs.
func drive(label string, offset, v int) string {
	level := map[int]string{0: "low", 1: "high"}[v]
	return fmt.Sprintf("cd /sys/class/gpio; for c in gpiochip*; do if [ $(cat $c/label) = %s ]; then n=$(($(cat $c/base)+%d)); "+
		"[ -e gpio$n ] || echo $n > export; echo %s > gpio$n/direction; fi; done; ", label, offset, level)
}

func levels(t *testing.T, g *Guest, label string, offset int) string {
	t.Helper()
	es, err := g.Edges(label, offset)
	if err != nil {
		t.Fatal(err)
	}
	var vs []string
	for i, e := range es {
		if vs = append(vs, fmt.Sprint(e.Val)); i > 0 && e.At < es[i-1].At {
			t.Errorf("%v is not in order", es)
		}
	}
	return strings.Join(vs, " ")
}

// Who stops to pet the hardware watchdog is reset.
func TestWatchdogResets(t *testing.T) {
	g := boot(t, Options{NoNet: true, Watchdog: true, Reboot: true})
	sh(t, g, "busybox watchdog -T 4 -t 1 /dev/watchdog0; exec sleep 6")
	if boots := strings.Count(g.Console(), "Booting Linux"); boots > 1 {
		t.Fatalf("reset while it was petted\n%s", g.Console())
	}
	sh(t, g, "kill -9 $(cat /proc/[0-9]*/stat | sed -n 's/^\\([0-9]*\\) (busybox).*/\\1/p')")
	began := time.Now()
	select {
	case <-g.control.hello:
		figure(t, fmt.Sprintf("reset and up again %.1f s after the last pet", time.Since(began).Seconds()))
	case <-time.After(60 * time.Second):
		t.Error("not reset")
	}
}

// An idle hour passes in seconds, and a refused connection is refused at once.
func TestVirtualHour(t *testing.T) {
	g := boot(t, Options{Virtual: true})
	up := func() (seconds float64) {
		if _, err := fmt.Sscan(sh(t, g, "cat /proc/uptime"), &seconds); err != nil {
			t.Fatal(err)
		}
		return seconds
	}
	before, began := up(), time.Now()
	hour := make(chan string, 1)
	go func() { out, code, err := g.Run("/bin/sleep", "3600"); hour <- fmt.Sprint(out, code, err) }()
	select {
	case got := <-hour:
		if d := up() - before; got != "0 <nil>" || d < 3600 || d > 3660 {
			t.Errorf("%v s went by, sleep ended with %s", d, got)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("it takes longer than two minutes")
	}
	figure(t, fmt.Sprintf("an idle hour in %.1f s", time.Since(began).Seconds()))
	before = up()
	out, code, _ := g.Run("/run/lab/labguest", "get", "10.0.2.2:1/")
	if d := up() - before; code == 0 || !strings.Contains(out, "refused") || d > 2 {
		t.Errorf("a closed port: %q after %v s", out, d)
	}
}

// A program of some megabytes is there in no time, and right.
func TestLargeFiles(t *testing.T) {
	contents := bytes.Repeat([]byte("0123456789abcdef"), 6<<20/16)
	g := boot(t, Options{NoNet: true, Share: true})
	began := time.Now()
	if err := g.Write("/new/folder/big", contents, 0o755); err != nil {
		t.Fatal(err)
	}
	figure(t, fmt.Sprintf("6 MiB in %.2f s", time.Since(began).Seconds()))
	got, err := g.Get("/new/folder/big")
	if err != nil || !bytes.Equal(got, contents) {
		t.Errorf("came back as %d bytes, %v", len(got), err)
	}
	if out := sh(t, g, "ls -lA /new/folder "+ShareDir); !strings.Contains(out, "-rwxr-xr-x") || strings.Contains(out, ".put-") {
		t.Errorf("what is there:\n%s", out)
	}
}
