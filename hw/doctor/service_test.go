package doctor

import (
	"slices"
	"strings"
	"testing"

	"longarm/hw/doctor/doctortest"
)

// drop is a drop-in of the agent's unit.
func drop(text string) files { return files{dropFile: text} }

// TestInstalledUnit: "descriptor store and OnFailure unit installed" of section 7.
func TestInstalledUnit(t *testing.T) {
	const about = "service"
	const local = "add to /etc/systemd/system/longarm-agent.service.d/local.conf:\n\t"
	const mine = "etc/systemd/system/longarm-agent.service"
	examineSpoils(t, []spoil{
		{"as shipped", nil, nil, OK, about, "/" + unitFile + " keeps the lines, watches the agent and falls back on longarm-safe.service", "-"},
		{"not installed", files{unitFile: "-> nowhere"}, nil, Bites, about, "longarm-agent.service is not installed", "the package longarm-agent"},
		{"masked", files{mine: "-> /dev/null"}, nil, Bites, about, "longarm-agent.service is masked or not enabled", "systemctl unmask longarm-agent.service\n\tsystemctl enable --now longarm-agent.service"},
		{"not enabled", files{"etc/systemd/system/multi-user.target.wants/longarm-agent.service": "-> nowhere"}, nil, Bites, about, "masked or not enabled", "systemctl enable"},
		{"no descriptor store", drop("[Service]\nFileDescriptorStoreMax=0\n"), nil, Bites, about, "systemd keeps 0 of 2 output lines", local + "[Service]\n\tFileDescriptorStoreMax=64\n\tNotifyAccess=main"},
		{"a store that is too small", drop("[Service]\n FileDescriptorStoreMax = 1\n"), nil, Bites, about, "systemd keeps 1 of 2 output lines", ""},
		{"a store that hears nobody", drop("[Service]\nNotifyAccess=none\n"), nil, Bites, about, "systemd keeps 0 of 2", "NotifyAccess=main"},
		{"not Type=notify", drop("[Service]\nType=simple\n"), nil, Bites, about, "systemd does not hear the agent's signs of life", local + "[Service]\n\tType=notify"},
		{"no restart", drop("[Service]\nRestart=no\n"), nil, Bites, about, "does not start it again", "Restart=always"},
		{"no OnFailure", drop("[Unit]\nOnFailure=\n"), nil, Bites, about, "nothing brings the outputs to safe when systemd gives up the agent", local + "[Unit]\n\tOnFailure=longarm-safe.service\nrun as root:\n\tsystemctl unmask longarm-safe.service"},
		{"another OnFailure", drop("[Unit]\nOnFailure=\nOnFailure=mail@%n.service other-longarm-safe.service\n"), nil, Bites, about, "nothing brings the outputs to safe", ""},
		{"one OnFailure of several", drop("[Unit]\nOnFailure=\nOnFailure=mail@%n.service \\\n longarm-safe.service\n"), nil, OK, about, "falls back on longarm-safe.service", "-"},
		{"no safe unit", files{"usr/lib/systemd/system/longarm-safe.service": "-> nowhere"}, nil, Bites, about, "nothing brings the outputs to safe", "apt-get install --reinstall longarm-agent"},
		{"safe unit masked", files{"run/systemd/system/longarm-safe.service": "-> /dev/null"}, nil, Bites, about, "nothing brings the outputs to safe", "systemctl unmask longarm-safe.service"},
		{"no watchdog", drop("[Service]\nWatchdogSec=\nWatchdogSec=0\n"), nil, Bites, about, "systemd does not see that the agent hangs, or kills one that works (WatchdogSec=0)", local + "[Service]\n\tWatchdogSec=30"},
		{"a watchdog that never barks", drop("[Service]\nWatchdogSec=infinity\n"), nil, Bites, about, "(WatchdogSec=infinity)", ""},
		{"a watchdog that is too quick", drop("[Service]\nWatchdogSec=15s\n"), nil, Bites, about, "(WatchdogSec=15s)", ""},
		{"a long watchdog", drop("[Service]\nWatchdogSec=1min 30s\n"), nil, OK, about, "watches the agent", "-"},
		{"a comment is no setting", drop("[Service]\n#WatchdogSec=1\n; WatchdogSec=1\n=1\n"), nil, OK, about, "watches the agent", "-"},
		{"the unit in /etc counts", files{mine: "[Service]\nType=simple\n"}, nil, Bites, about, "systemd does not hear", ""},
		{"the drop-in in /etc hides its namesake", files{dropFile: "[Service]\n", unitFile + ".d/90-test.conf": "[Service]\nType=simple\n"}, nil, OK, about, "keeps the lines", "-"},
		{"drop-ins in the order of their names", files{unitFile + ".d/95-later.conf": "[Service]\nType=notify\n", dropFile: "[Service]\nType=simple\n"}, nil, OK, about, "keeps the lines", "-"},
		{"BusyBox", files{"proc/1/comm": "init\n"}, nil, Note, about, "process 1 is init, not systemd", "-"},
		{"no systemd to see", files{unitFile: "-> nowhere", "etc/systemd": "-> nowhere"}, nil, Note, about, "cannot tell: what starts the agent and holds its lines: /etc/systemd is not there", "-"},
	})
}

// TestRights: "group memberships"; the traps of section 5.5, permissions.
func TestRights(t *testing.T) {
	const about = "rights"
	const fine = "the unit's user may open the lines and ports of the config"
	onlyPorts := func(s *Spec) { s.Outputs, s.GPIO = nil, false }
	examineSpoils(t, []spoil{
		{"as shipped", nil, nil, OK, about, fine, "-"},
		{"root", drop("[Service]\nUser=root\nSupplementaryGroups=\n"), nil, OK, about, fine, "-"},
		{"no such user", files{"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"}, nil, Bites, about, "the unit's user longarm is missing: systemd does not start the agent (217/USER)", "useradd --system"},
		{"no such group", files{"etc/group": "root:x:0:\ndialout:x:20:\nlongarm:x:996:\n"}, nil, Bites, about, "the unit names the group gpio, which is missing: systemd does not start the agent (216/GROUP)", "groupadd --system gpio"},
		{"not in gpio", drop("[Service]\nSupplementaryGroups=\nSupplementaryGroups=dialout\n"), nil, Bites, about, "the GPIO chips are for the group gpio, which the unit's user is not in", "SupplementaryGroups=gpio"},
		{"not in dialout", drop("[Service]\nSupplementaryGroups=\nSupplementaryGroups=gpio\n"), nil, Bites, about, "the serial ports are for the group dialout", "SupplementaryGroups=dialout"},
		{"not in gpio, which nobody needs", drop("[Service]\nSupplementaryGroups=\nSupplementaryGroups=dialout\n"), onlyPorts, OK, about, fine, "-"},
		{"in gpio by /etc/group", files{dropFile: "[Service]\nSupplementaryGroups=\nSupplementaryGroups=dialout\n", "etc/group": "gpio:x:993:pi,longarm\ndialout:x:20:\nlongarm:x:996:\n"}, nil, OK, about, fine, "-"},
		{"gpio is the user's own group", files{dropFile: "[Service]\nGroup=\nSupplementaryGroups=\nSupplementaryGroups=dialout\n", "etc/passwd": "longarm:x:999:993::/:/bin/false\n"}, nil, OK, about, fine, "-"},
		{"no rule for GPIO", files{"etc/udev/rules.d/99-com.rules": "-> nowhere"}, nil, Bites, about, "no udev rule gives the GPIO chips to a group: only root may open them",
			"add to /etc/udev/rules.d/60-longarm.rules:\n\tSUBSYSTEM==\"gpio\", KERNEL==\"gpiochip*\", GROUP=\"gpio\", MODE=\"0660\""},
		{"ports for another group", files{rulesD + "50-udev-default.rules": `KERNEL=="tty[A-Z]*[0-9]", GROUP="uucp"`}, nil, Bites, about, "the serial ports are for the group uucp", ""},
		{"no rules at all", files{"usr/lib/udev": "-> nowhere", "etc/udev": "-> nowhere"}, nil, Note, about, "cannot tell: who may open the serial ports: /usr/lib/udev/rules.d is not there", "-"},
		{"no /etc/group", files{"etc/group": "-> nowhere"}, nil, Note, about, "cannot tell: in which groups the unit's user is: /etc/group is not there", "-"},
	})
}

// TestPortsThatTheUnitNames: the shipped unit allows USB adapters and the usual
// UARTs; a gateway may have others.
func TestPortsThatTheUnitNames(t *testing.T) {
	const dir = "sys/devices/platform/uart/tty/ttyXX0"
	root := doctortest.Build(t, project, doctortest.Read(t, project, "good.txtar"))
	files{"sys/class/tty/ttyXX0": "-> ../../" + dir[len("sys/"):], dir + "/dev": "209:3\n", "dev/ttyXX0": "",
		"proc/devices": "Character devices:\n  4 ttyS\n209 ttyXX\n\nBlock devices:\n259 blkext\n"}.put(t, root)
	for name, c := range map[string]struct {
		unit string
		may  bool
	}{
		"as shipped":                  {"", false},
		"by number":                   {"DeviceAllow=char-209 rw\n", true},
		"by kind":                     {"DeviceAllow=char-ttyXX rw\n", true},
		"by path":                     {"DeviceAllow=/dev/ttyXX0 rw\n", true},
		"by a pattern":                {"DeviceAllow=char-tty* rw\n", true},
		"another":                     {"DeviceAllow=/dev/ttyXX01 rw\nDeviceAllow=char-20 rw\n", false},
		"all but closed":              {"DevicePolicy=auto\nDeviceAllow=\n", true},
		"closed, and nothing named":   {"DeviceAllow=\n", false},
		"not closed, another named":   {"DevicePolicy=auto\n", false},
		"forgotten, then named again": {"DeviceAllow=\nDeviceAllow=char-209\n", true},
	} {
		undo := drop("[Service]\n"+c.unit).put(t, root)
		spec := goodSpec()
		onPort("/dev/ttyXX0")(spec)
		r := Examine(t.Context(), spec, root)
		wellFormed(t, r)
		undo()
		i := slices.IndexFunc(r.Findings, func(f Finding) bool {
			return strings.HasPrefix(f.Text, "the unit's DeviceAllow keeps the agent from ttyXX0")
		})
		if may := i < 0; may != c.may {
			t.Errorf("%s: allowed %v, want %v", name, may, c.may)
		}
		if i >= 0 && (r.Findings[i].About != "port ups" || !strings.Contains(r.Findings[i].Remedy, "[Service]\n\tDeviceAllow=char-209 rw")) {
			t.Errorf("%s: %+v", name, r.Findings[i])
		}
	}
}
