package doctor

import (
	"strconv"
	"strings"
	"time"
)

const (
	agentUnit = "longarm-agent.service"
	safeUnit  = "longarm-safe.service"

	leastWatch = 20 * time.Second // twice what is between two signs of life, agent/watchdog.go
)

// checkUnit: what the installed unit must say so that a crash moves nothing
// and a hung agent is noticed.
func (b *box) checkUnit() {
	const about = "service"
	u := b.unit
	switch {
	case !b.systemd:
		b.say(Note, about, "process 1 is %0, not systemd: the agent's parent must hold its lines, start it again and feed /dev/watchdog", b.init)
		return
	case u.file == "" && b.real("/etc/systemd") == "":
		b.cannot(about, "what starts the agent and holds its lines", "/etc/systemd")
		return
	case u.file == "":
		b.say(Bites, about, agentUnit+" is not installed: nothing starts the agent\ninstall:\n\tthe package longarm-agent")
		return
	}
	before := len(b.found)
	if !b.runs(agentUnit) {
		b.say(Bites, about, agentUnit+" is masked or not enabled: the agent does not start at boot{root}systemctl unmask "+agentUnit+"\n\tsystemctl enable --now "+agentUnit)
	}
	if u.masked {
		return
	}
	outputs := len(b.spec.Outputs)
	room, _ := strconv.Atoi(u.get("FileDescriptorStoreMax"))
	if u.get("NotifyAccess") == "none" {
		room = 0
	}
	if room < outputs {
		b.say(Bites, about, "systemd keeps %0 of %1 output lines over a crash or upgrade, the others move{service}FileDescriptorStoreMax=64\n\tNotifyAccess=main",
			strconv.Itoa(room), strconv.Itoa(outputs))
	}
	if !strings.HasPrefix(u.get("Type"), "notify") || !strings.Contains(u.get("Restart"), "a") { // always, on-failure, on-abnormal
		b.say(Bites, about, "systemd does not hear the agent's signs of life, or does not start it again{service}Type=notify\n\tRestart=always")
	}
	if safe := b.load(safeUnit); safe.file == "" || safe.masked || !has(u.all("OnFailure"), safeUnit) {
		b.say(Bites, about, "nothing brings the outputs to safe when systemd gives up the agent{drop-in}[Unit]\n\tOnFailure="+safeUnit+"{root}%0", pick(safe.file == "",
			"apt-get install --reinstall longarm-agent", "systemctl unmask "+safeUnit))
	}
	watch := u.get("WatchdogSec")
	if limit, err := span(watch); err != nil || limit < leastWatch {
		b.say(Bites, about, "systemd does not see that the agent hangs, or kills one that works (WatchdogSec=%0){service}WatchdogSec=30", watch)
	}
	if len(b.found) == before {
		b.say(OK, about, "%0 keeps the lines, watches the agent and falls back on "+safeUnit, u.file)
	}
}
