package doctor

import (
	"path/filepath"
	"strings"
	"time"
)

// The limit of the Raspberry Pi's watchdog: 20 bits at 65,536 Hz are 15.99 s
// (drivers/watchdog/bcm2835_wdt.c).
const (
	piLimit = 15 * time.Second
	piWraps = 16 * time.Second
)

// checkWatchdog: the hardware's watchdog resets a box whose kernel or systemd
// hangs; systemd feeds it, the agent does not.
func (b *box) checkWatchdog() {
	const about, dir, key = "watchdog", "/sys/class/watchdog/watchdog0/", "RuntimeWatchdogSec"
	identity, pi := b.text(dir+"identity"), b.soc != ""
	if b.real(dir) != "" && identity == "" { // a kernel without CONFIG_WATCHDOG_SYSFS
		driver := b.real(dir + "device/driver")
		identity = pick(driver != "", filepath.Base(driver), "a watchdog")
	}
	value := b.load("../system.conf").get(key)
	limit, err := span(value)
	most, _ := span(b.text(dir + "max_timeout")) // 0 = as long as one likes
	want := key + "=30"
	if pi {
		most, want = piLimit, key+"=14\n\tRebootWatchdogSec=14"
	} else if most > 0 && most < 30*time.Second {
		want = key + "=" + (most - time.Second).String()
	}
	severity, text := Bites, ""
	switch {
	case identity == "" && b.real("/sys/class") == "":
		b.cannot(about, "which watchdog this box has", "/sys/class")
		return
	case identity == "" && pi:
		text = "there is no hardware watchdog{hung}{boot}\n\tdtparam=watchdog=on"
	case identity == "":
		severity, text = Note, "there is no hardware watchdog, or no driver for it{hung}"
	case !b.systemd:
		severity, text = Note, "%0 is there: see to it that something feeds it"
	case err != nil:
		severity, text = unknown, "how long it waits: "+key+"=%2"
	case limit == 0:
		text = "%0 is there but nobody starts it{hung}{manager}"
	case most > 0 && limit > most:
		text = key + "=%2 is more than the %3 that %0 can count: before Linux 6.8 none runs then, later it may wait only %4{manager}"
	case b.text(dir+"state") == "inactive":
		text = key + "=%2 is set, but %0 does not run: systemd could not start it, or has yet to read that{manager}"
	default:
		severity, text = OK, "%0 is to reset the box when it hangs for %5"
	}
	b.say(severity, about, text, identity, want, value, most.String(), (limit % piWraps).String(), limit.String())
}

// syncUnits set the clock from the network.
const syncUnits = "systemd-timesyncd chrony chronyd ntpsec ntp ntpd openntpd"

// checkClock: the agent needs a clock only to judge certificates, and has a
// floor for it; everything that it times is monotonic.
func (b *box) checkClock() {
	const dir = "/sys/class/rtc/"
	lost := ""
	chips := b.list(dir)
	if len(chips) == 0 {
		lost = "no clock chip keeps the time without power"
	} else if cell := b.text(dir + chips[0] + "/battery_voltage"); cell != "" && len(cell) < 7 { // below a volt, in microvolts
		lost = "the clock chip has no battery"
	}
	source, unit := "", ""
	for _, u := range words(syncUnits) {
		if s := b.load(u + ".service"); s.file != "" && unit == "" {
			unit = u
		}
		if b.runs(u + ".service") {
			source = u
		}
	}
	for _, script := range b.list("/etc/init.d") { // BusyBox
		if script[0] == 'S' && (strings.Contains(script, "ntp") || strings.Contains(script, "chrony")) {
			source = script
		}
	}
	install := pick(unit == "", "\ninstall:\n\tsystemd-timesyncd or chrony", "{root}systemctl unmask %2\n\tsystemctl enable --now %2")
	start := "the system's build day, or 1970,"
	if b.real("/etc/fake-hwclock.data") != "" {
		start = "what fake-hwclock saved, up to an hour old,"
	} else if b.real("/var/lib/systemd/timesync/clock") != "" {
		start = "the last time that timesyncd had"
	}
	severity, text := Bites, "%0, and nothing sets it: certificates and the times in the log go wrong"+install
	switch {
	case b.real("/sys/class") == "":
		severity, text = unknown, "what it is: /sys/class is not there"
	case source == "" && lost != "":
	case source == "":
		severity, text = Note, "nothing sets it: it drifts by seconds a day"+install
	case lost == "":
		severity, text = OK, "it runs on without power, and %1 sets it"
	default:
		severity, text = Note, "%0: it starts at %3 until %1 sets it; till then certificates are judged by the last time that the service told, and only the log is wrong"
	}
	b.say(severity, "clock", text, lost, source, unit, start)
}
