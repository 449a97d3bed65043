package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestHardwareWatchdog: "RuntimeWatchdogSec at most 15 on a Pi" of section 7.
func TestHardwareWatchdog(t *testing.T) {
	const about, dir = "watchdog", "sys/class/watchdog/watchdog0/"
	const conf, drop = "etc/systemd/system.conf", "add to /etc/systemd/system.conf.d/longarm.conf:\n\t[Manager]\n\tRuntimeWatchdogSec=14\n\tRebootWatchdogSec=14"
	pc := func(f files) files {
		f["sys/firmware"], f["sys/class/dmi/id/sys_vendor"], f[dir+"identity"] = "-> nowhere", "ACME\n", "iTCO_wdt\n"
		return f
	}
	sec := func(value string) string { return "[Manager]\nRuntimeWatchdogSec=" + value + "\n" }
	examineSpoils(t, []spoil{
		{"14 s", nil, nil, OK, about, "Broadcom BCM2835 Watchdog timer is to reset the box when it hangs for 14s", "-"},
		{"15 s, in a drop-in", files{conf: "[Manager]\n", "usr/lib/systemd/system.conf.d/a.conf": sec("15s")}, nil, OK, about, "hangs for 15s", "-"},
		{"not started", files{conf: "[Manager]\n"}, nil, Bites, about, "Broadcom BCM2835 Watchdog timer is there but nobody starts it: a box that hangs stays hung until its power is cut", drop},
		{"switched off", files{conf: sec("off")}, nil, Bites, about, "nobody starts it", drop},
		{"60 s", files{conf: sec("1min")}, nil, Bites, about, "RuntimeWatchdogSec=1min is more than the 15s that Broadcom BCM2835 Watchdog timer can count: before Linux 6.8 none runs then, later it may wait only 12s", drop},
		{"100 s", files{conf: sec("1min 40")}, nil, Bites, about, "later it may wait only 4s", drop},
		{"set, but not running", files{dir + "state": "inactive\n"}, nil, Bites, about, "RuntimeWatchdogSec=14 is set, but Broadcom BCM2835 Watchdog timer does not run", drop},
		{"a value that we do not know", files{conf: sec("default")}, nil, Note, about, "cannot tell: how long it waits: RuntimeWatchdogSec=default", "-"},
		{"none on a Pi", files{"sys/class/watchdog": "-> nowhere"}, nil, Bites, about, "there is no hardware watchdog: a box", "add to /boot/firmware/config.txt under [all]:\n\tdtparam=watchdog=on"},
		{"a kernel that does not show its name", files{dir + "identity": "-> nowhere", dir + "state": "-> nowhere", dir + "device/driver": "-> /sys/bus/platform/drivers/bcm2835-wdt", "sys/bus/platform/drivers/bcm2835-wdt/x": "",
			conf: sec("20")}, nil, Bites, about, "RuntimeWatchdogSec=20 is more than the 15s that bcm2835-wdt can count", drop},
		{"one without a name", files{dir + "identity": "-> nowhere", conf: "[Manager]\n"}, nil, Bites, about, "a watchdog is there but nobody starts it", drop},
		{"nothing to see", files{"sys/class": "-> nowhere"}, nil, Note, about, "cannot tell: which watchdog this box has: /sys/class is not there", "-"},
		{"BusyBox", files{"proc/1/comm": "init\n"}, nil, Note, about, "is there: see to it that something feeds it", "-"},
		{"none on a PC", files{"sys/class/watchdog": "-> nowhere", "sys/firmware": "-> nowhere"}, nil, Note, about, "there is no hardware watchdog, or no driver for it", "-"},
		{"a PC's", pc(files{conf: "[Manager]\n"}), nil, Bites, about, "iTCO_wdt is there but nobody starts it", "RuntimeWatchdogSec=30"},
		{"a PC's of 20 s", pc(files{conf: sec("30"), dir + "max_timeout": "20\n"}), nil, Bites, about, "RuntimeWatchdogSec=30 is more than the 20s", "RuntimeWatchdogSec=19s"},
		{"a PC's, in order", pc(files{conf: sec("10min"), dir + "max_timeout": "613\n"}), nil, OK, about, "iTCO_wdt is to reset the box when it hangs for 10m0s", "-"},
	})
}

// TestClock: hardware.md section 5.1; "no time-sync dependency" of section 7.
func TestClock(t *testing.T) {
	const about, rtc = "clock", "sys/class/rtc/rtc0/name"
	const sync = "etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service"
	const own = "usr/lib/systemd/system/systemd-timesyncd.service"
	examineSpoils(t, []spoil{
		{"none, set by timesyncd", nil, nil, Note, about, "no clock chip keeps the time without power: it starts at the last time that timesyncd had until systemd-timesyncd sets it; till then certificates", "-"},
		{"none, fake-hwclock", files{"etc/fake-hwclock.data": "x"}, nil, Note, about, "it starts at what fake-hwclock saved, up to an hour old, until", "-"},
		{"none, nothing saved", files{"var/lib/systemd/timesync": "-> nowhere"}, nil, Note, about, "it starts at the system's build day, or 1970, until", "-"},
		{"none, and nobody sets it", files{sync: "-> nowhere"}, nil, Bites, about, "no clock chip keeps the time without power, and nothing sets it", "run as root:\n\tsystemctl unmask systemd-timesyncd\n\tsystemctl enable --now systemd-timesyncd"},
		{"none, and nobody could set it", files{sync: "-> nowhere", own: "-> nowhere"}, nil, Bites, about, "nothing sets it", "install:\n\tsystemd-timesyncd or chrony"},
		{"what sets it is removed, its link is not", files{own: "-> nowhere"}, nil, Bites, about, "nothing sets it", "install:"},
		{"what sets it is masked", files{"etc/systemd/system/systemd-timesyncd.service": "-> /dev/null"}, nil, Bites, about, "nothing sets it", "systemctl unmask systemd-timesyncd"},
		{"chip and source", files{rtc: "rtc_cmos\n"}, nil, OK, about, "it runs on without power, and systemd-timesyncd sets it", "-"},
		{"chip, no source", files{rtc: "rtc_cmos\n", sync: "-> nowhere"}, nil, Note, about, "nothing sets it: it drifts", "systemctl enable"},
		{"chip without battery", files{rtc: "rpi_rtc\n", "sys/class/rtc/rtc0/battery_voltage": "16084\n"}, nil, Note, about, "the clock chip has no battery: it starts at", "-"},
		{"chip with battery", files{rtc: "rpi_rtc\n", "sys/class/rtc/rtc0/battery_voltage": "3012345\n"}, nil, OK, about, "it runs on without power", "-"},
		{"chrony", files{sync: "-> nowhere", "etc/systemd/system/multi-user.target.wants/chrony.service": "-> /" + own}, nil, Note, about, "until chrony sets it", "-"},
		{"BusyBox", files{sync: "-> nowhere", "etc/init.d/S49ntp": "", "etc/init.d/ntp": ""}, nil, Note, about, "until S49ntp sets it", "-"},
	})
}

// TestStateDir: hardware.md section 5.2.
func TestStateDir(t *testing.T) {
	const about = "state dir"
	mounts := func(lines string) files {
		return files{"proc/mounts": "/dev/root / ext4 rw 0 0\n" + lines + "\n", "var/lib/longarm/x": "", "media/rw/upper/x": ""}
	}
	const use = "write in longarm.toml, with a folder that stays writable:\n\t[state]\n\tdir = \"/FOLDER\""
	examineSpoils(t, []spoil{
		{"on disk", nil, nil, OK, about, "/var/lib/longarm is on ext4 and stays", "-"},
		{"in memory", mounts("tmpfs /var tmpfs rw,size=1m 0 0"), nil, Bites, about, "/var/lib/longarm is in memory (tmpfs)", use},
		{"read-only", files{"proc/mounts": "/dev/root / squashfs ro,relatime 0 0\n"}, nil, Bites, about, "/var/lib/longarm is read-only", use},
		{"rw on ro", mounts("/dev/sda3 /var/lib ext4 rw,errors=remount-ro 0 0"), nil, OK, about, "is on ext4", "-"},
		{"the last mount of a folder counts", mounts("/dev/sda3 /var ext4 rw 0 0\n/dev/sda3 /var ext4 ro 0 0"), nil, Bites, about, "is read-only", use},
		{"a mount of another folder", mounts("tmpfs /var/li tmpfs rw 0 0\ntmpfs /var/lib/longarm2 tmpfs rw 0 0"), nil, OK, about, "is on ext4", "-"},
		{"FAT", mounts("/dev/sda3 /var vfat rw 0 0"), nil, Note, about, "is on vfat, where a power cut may cost the journal", use},
		{"overlay in memory", mounts("tmpfs /media/rw tmpfs rw 0 0\noverlay /var overlay rw,lowerdir=/l,upperdir=/media/rw/upper,workdir=/w 0 0"), nil, Bites, about, "is in memory (overlay)", use},
		{"overlay on disk", mounts("/dev/sda3 /media/rw ext4 rw 0 0\noverlay /var overlay rw,lowerdir=/l,upperdir=/media/rw/upper,workdir=/w 0 0"), nil, OK, about, "is on ext4 and stays", "-"},
		{"overlay, hidden", files{"proc/mounts": "overlay / overlay rw,lowerdir=/l,upperdir=/u,workdir=/w 0 0\n"}, nil, Note, about, "cannot tell: whether /var/lib/longarm stays", "-"},
		{"unknown", files{"proc/mounts": "-> nowhere"}, nil, Note, about, "cannot tell: what /var/lib/longarm stands on", "-"},
		{"elsewhere by a link", files{"proc/mounts": "/dev/root / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n", "tmp/state/x": "", "var/lib/longarm": "-> /tmp/state"}, nil, Bites, about, "is in memory (tmpfs)", use},
		{"not there yet", files{"var/lib/longarm": "-> nowhere"}, nil, OK, about, "is on ext4", "-"},
		{"where the unit may not write", nil, func(s *Spec) { s.StateDir = "/data/longarm" }, Bites, about, "the unit does not let the agent write to /data/longarm",
			"[Service]\n\tReadWritePaths=-/data/longarm\nthe same for longarm-safe.service, and run as root:\n\tinstall -d -o longarm -g longarm -m 0750 /data/longarm"},
		{"below where the unit may write", nil, func(s *Spec) { s.StateDir = "/var/lib/longarm/deep" }, OK, about, "/var/lib/longarm/deep is on ext4", "-"},
		{"a unit without ProtectSystem", drop("[Service]\nProtectSystem=full\n"), func(s *Spec) { s.StateDir = "/data" }, OK, about, "/data is on ext4", "-"},
	})
}

func TestMeasureWritesAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"journal", ".longarm-doctor"} { // the second: of a run that was killed
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n, p99, err := timeWrites(t.Context(), dir)
	if err != nil || n < 1 || n > writes || p99 <= 0 {
		t.Errorf("%d writes, p99 %s, %v", n, p99, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "journal" {
		t.Errorf("left behind: %v, %v; want the journal alone", left, err)
	}
}

func TestMeasureSaysWhyItCannot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx      context.Context
		dir      string
		severity Severity
		text     string
	}{
		"no dir":    {t.Context(), filepath.Join(t.TempDir(), "none"), Note, "cannot tell: how fast it is: open "},
		"stopped":   {over, t.TempDir(), Note, "cannot tell: how fast it is: context canceled"},
		"a file":    {t.Context(), file, Bites, "it can't be written: "},
		"a device":  {t.Context(), "/dev/null", Bites, "it can't be written: "},
		"the dir's": {t.Context(), t.TempDir(), OK, "measured: 100 writes of 256 bytes"},
	} {
		b := &box{spec: &Spec{StateDir: c.dir, Config: "f"}}
		b.measure(c.ctx)
		if name == "the dir's" { // however slow this machine is
			if !strings.Contains(b.found[0].Text, "measured: ") {
				t.Errorf("%s: %q", name, b.found[0].Text)
			}
			continue
		}
		if len(b.found) != 1 || b.found[0].Severity != c.severity || !strings.HasPrefix(b.found[0].Text, c.text) {
			t.Errorf("%s: found %+v, want severity %d and %q", name, b.found, c.severity, c.text)
		}
	}
}

func TestJudgeOfTheMeasurement(t *testing.T) {
	for _, c := range []struct {
		p99, holdUp time.Duration
		want        Severity
		text        string
	}{
		{4 * time.Millisecond, 0, OK, "measured: 100 writes of 256 bytes, each with fsync: p99 4ms"},
		{101 * time.Millisecond, 0, Note, "each call waits for two of these"},
		{1001 * time.Millisecond, 0, Bites, "calls, and the last words at a power-fail, wait for these"},
		{99 * time.Millisecond, 100 * time.Millisecond, Bites, "calls, and the last words at a power-fail, wait for these"},
		{49 * time.Millisecond, 100 * time.Millisecond, OK, "p99 49ms"},
	} {
		b := &box{spec: &Spec{HoldUp: c.holdUp}}
		b.judge(writes, c.p99)
		if f := b.found[0]; f.Severity != c.want || !strings.Contains(f.Text, c.text) {
			t.Errorf("p99 %s, hold-up %s: %+v, want severity %d and %q", c.p99, c.holdUp, f, c.want, c.text)
		}
	}
}

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "off": 0, "0": 0, "14": 14 * time.Second, "15s": 15 * time.Second, "20 sec": 20 * time.Second, "1min 30s": 90 * time.Second,
		"1min30": 90 * time.Second, "2h": 2 * time.Hour, "500ms": 500 * time.Millisecond, "infinity": -1, "default": -1, "yes": -1, "-": -1,
	} {
		got, err := span(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestTreeStaysBelowItsRoot: absolute links, loops, and what is no plain file.
func TestTreeStaysBelowItsRoot(t *testing.T) {
	dir := t.TempDir()
	files{
		"root/etc/plain": "text\x00\n", "root/etc/abs": "-> /etc/plain", "root/etc/up": "-> ../../../../etc/plain",
		"root/etc/loop": "-> loop", "root/etc/out": "-> /secret", "secret": "secret", "root/etc/masked": "-> /dev/null", "root/etc/big": strings.Repeat("x", maxText+1),
	}.put(t, dir)
	if err := syscall.Mkfifo(filepath.Join(dir, "root/etc/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	tr := &tree{filepath.Join(dir, "root")}
	for name, want := range map[string]string{"plain": "text", "abs": "text", "up": "text", "loop": "", "out": "", "fifo": "", "masked": "", "big": "", "none": ""} {
		if got := tr.text("/etc/" + name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := tr.real("/etc/masked"); got != devNull {
		t.Errorf("masked leads to %q, want %q although it is not there", got, devNull)
	}
	if names := tr.list("/none"); names != nil {
		t.Errorf("a dir that is not there holds %v", names)
	}
	if _, err := os.Stat(filepath.Join(dir, "root/dev")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the tree was written to")
	}
}
