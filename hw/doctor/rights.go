package doctor

import "strings"

const rights = "rights"

// checkRights: the user that the unit runs as must be allowed to open the
// devices; see checkAllowed too.
func (b *box) checkRights() {
	lines, ports := b.spec.GPIO, len(b.spec.Ports) > 0
	if b.unit.file == "" || b.unit.masked || !b.systemd || !lines && !ports {
		return
	}
	before := len(b.found)
	if user := b.unit.get("User"); user != "" && user != "root" {
		in := b.groups(user)
		if lines {
			b.needGroup(in, `SUBSYSTEM=="gpio`, "GPIO chips", `SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"`)
		}
		if ports {
			b.needGroup(in, "tty[A-Z]*[0-9]", "serial ports", `SUBSYSTEM=="tty", KERNEL=="tty[A-Z]*[0-9]", GROUP="dialout", MODE="0660"`)
		}
	}
	if len(b.found) == before {
		b.say(OK, rights, "the unit's user may open the lines and ports of the config")
	}
}

// groups are those that the user is in when the unit runs; "" = nobody can tell.
func (b *box) groups(user string) string {
	const groups, users = "/etc/group", "/etc/passwd"
	gid, exist := "", ""
	for _, line := range b.lines(users) {
		if f := strings.Split(line, ":"); len(f) > 3 && f[0] == user {
			gid = f[3]
		}
	}
	in := b.unit.all("SupplementaryGroups") + " " + b.unit.get("Group")
	named := strings.Fields(in)
	for _, line := range b.lines(groups) {
		f := strings.Split(line, ":")
		exist += f[0] + " "
		if len(f) > 3 && (f[2] == gid || has(f[3], user)) {
			in += " " + f[0]
		}
	}
	switch {
	case exist == "" || b.text(users) == "":
		b.cannot(rights, "in which groups the unit's user is", pick(exist == "", groups, users))
		return ""
	case gid == "":
		b.say(Bites, rights, "the unit's user %0 is missing: systemd does not start the agent (217/USER){root}"+
			"useradd --system --user-group --no-create-home --shell /usr/sbin/nologin %0", user)
	}
	for _, g := range named {
		if !has(exist, g) {
			b.say(Bites, rights, "the unit names the group %0, which is missing: systemd does not start the agent (216/GROUP){root}groupadd --system %0", g)
		}
	}
	return in
}

// needGroup: udev gives the devices to a group, in the last rule with the mark
// that does, and the user is in it. Without groups nobody can tell.
func (b *box) needGroup(in, mark, what, add string) {
	group := ""
	for _, r := range b.rules {
		_, value, is := strings.Cut(r, `GROUP="`)
		if is && strings.Contains(r, mark) {
			group, _, _ = strings.Cut(value, `"`)
		}
	}
	switch {
	case len(b.rules) == 0:
		b.cannot(rights, "who may open the "+what, "/usr/lib/udev/rules.d")
	case group == "":
		b.say(Bites, rights, "no udev rule gives the %0 to a group: only root may open them{rule}%1", what, add)
	case in != "" && !has(in, group):
		b.say(Bites, rights, "the %0 are for the group %1, which the unit's user is not in{service}SupplementaryGroups=%1", what, group)
	}
}

// checkAllowed: a unit with DeviceAllow= opens only what that names, by path, or
// by the number or name that /proc/devices has for a kind of device, * allowed
// (systemd.resource-control(5)).
func (b *box) checkAllowed(p *port) {
	allow := b.unit.all("DeviceAllow")
	major, _, _ := strings.Cut(b.text(ttyDir+p.tty+"/dev"), ":")
	may := major == "" || strings.Contains(allow, "*") || // nobody can tell
		has(allow, "/dev/"+p.tty) || has(allow, "char-"+major) || allow == "" && b.unit.get("DevicePolicy") != "closed"
	for _, line := range b.lines("/proc/devices") {
		number, name, _ := strings.Cut(line, " ")
		may = may || number == major && has(allow, "char-"+name)
	}
	if !may {
		b.say(Bites, p.about, "the unit's DeviceAllow keeps the agent from %0{service}DeviceAllow=char-%1 rw", p.tty, major)
	}
}
