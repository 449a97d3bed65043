package doctor

import (
	"path/filepath"
	"strings"
)

// ruleDirs: of files with one name the first counts (udev(7)).
const ruleDirs = "/etc/udev/rules.d /run/udev/rules.d /usr/local/lib/udev/rules.d /usr/lib/udev/rules.d /lib/udev/rules.d"

// readRules reads all that count, in the order in which udev takes them.
func (b *box) readRules() {
	for _, file := range b.files(ruleDirs, "", ".rules") {
		for _, line := range b.lines(file) {
			b.rules.add(filepath.Base(file) + "\x00" + line)
		}
	}
}

// means says that a rule is for the adapter, or for all: it compares with its
// vendor and product, or with neither.
func (u *usbDevice) means(rule string) bool {
	return (strings.Contains(rule, u.vendor) || !strings.Contains(rule, "endor}") && !strings.Contains(rule, "VENDOR_ID")) &&
		(strings.Contains(rule, u.product) || !strings.Contains(rule, "roduct}") && !strings.Contains(rule, "MODEL_ID"))
}

// brltty gives the rule file that hands the adapter to brltty; "" = none does.
// Rules that ask for the maker's name as well do not mean every such adapter.
func (b *box) brltty(u *usbDevice) string {
	short := `"` + strings.TrimLeft(u.vendor, "0") + "/" + strings.TrimLeft(u.product, "0") + "/"
	for _, r := range b.rules {
		file, text, _ := strings.Cut(r, "\x00")
		switch {
		case !strings.Contains(file, "brltty"), strings.Contains(text, "{manufacturer}"), strings.Contains(text, "{product}"):
		case strings.Contains(text, short), strings.Contains(text, "{idVendor}") && u.means(text):
			return file
		}
	}
	return ""
}

// checkThieves: brltty takes adapters that braille displays use as well, and
// ModemManager probes USB ports that may be modems. Its filter policy STRICT,
// the default of newer versions, leaves plain adapters alone, but not CDC ports
// that say they understand AT commands (its reference, "Modem filter").
func (b *box) checkThieves(p *port) {
	const unit = "ModemManager.service"
	rule := b.brltty(p.usb)
	if rule != "" {
		b.say(Bites, p.about, "brltty takes an adapter %0 for a braille display, and %1 vanishes"+unbrltty, p.usb.id, p.tty, rule)
	}
	_, policy, _ := strings.Cut(strings.ToUpper(b.load(unit).get("ExecStart")), "--FILTER-POLICY=")
	policy, _, _ = strings.Cut(policy, " ")
	cdc := strings.HasPrefix(p.tty, "ttyACM")
	ignored := !b.runs(unit) || strings.HasSuffix(policy, "LIST-ONLY") || policy == "STRICT" && !cdc
	for _, r := range b.rules {
		ignored = ignored || strings.Contains(r, "ENV{ID_MM_") && strings.Contains(r, `_IGNORE}="1"`) && p.usb.means(r)
	}
	const add = `{rule}` + `ATTRS{idVendor}=="%1", ATTRS{idProduct}=="%2", ENV{ID_MM_DEVICE_IGNORE}="1"`
	severity, text := Bites, "ModemManager sends AT commands to %0 each time that it appears, for up to half a minute"+add
	switch {
	case ignored && rule != "":
		return
	case ignored:
		severity, text = OK, "neither ModemManager nor brltty takes %0"
	case !cdc && policy == "":
		severity, text = Note, "ModemManager sends AT commands to %0 too, unless its filter policy is STRICT"+add
	}
	b.say(severity, p.about, text, p.tty, p.usb.vendor, p.usb.product)
}

const unbrltty = "\nrun as root, or remove the package brltty:\n\tln -s /dev/null /etc/udev/rules.d/%2\n\tudevadm control --reload && udevadm trigger"
