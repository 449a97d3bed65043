package agent

import (
	"strings"
	"time"

	"longarm/agent/journal"
	"longarm/device"
	"longarm/push"
)

// selfTarget is the reserved name of the box itself.
const selfTarget = "agent"

// self serves the reserved target "agent".
func (a *Agent) self(c push.Call, received time.Time, cmd device.Command) device.Answer {
	ans := device.Answer{State: device.Done, Proof: "sent", Target: cmd.Target, Verb: cmd.Verb, Load: string(device.LoadUnknown)}
	if len(cmd.Args) > 0 {
		return a.selfRefused(ans, printable(cmd.Verb)+" takes no arguments")
	}
	switch cmd.Verb {
	case "status":
		ans.Detail = string(a.report().Append(nil))
	case "plan":
		ans.Detail = a.plan()
	case "blink":
		return a.selfRefused(ans, "this box has no light that the agent may blink")
	case "reboot":
		return a.reboot(c, received, ans)
	default:
		return a.selfRefused(ans, "unknown verb "+printable(cmd.Verb)+"; agent understands status, plan, blink, reboot")
	}
	return ans
}

// plan says what is connected and where it stands.
func (a *Agent) plan() string {
	var parts []string
	for _, t := range a.o.Box.Report() {
		part := t.Name + " (" + t.Kind + ", " + t.Load
		if t.Detail != "" {
			part += ", " + t.Detail
		}
		parts = append(parts, part+")")
	}
	if len(parts) == 0 {
		return "this box has no targets"
	}
	return "targets: " + strings.Join(parts, ", ")
}

// reboot asks for a restart of the box. It is late and doubled like any move,
// and so is journaled like one; a broken journal and safe mode allow it.
func (a *Agent) reboot(c push.Call, received time.Time, ans device.Answer) device.Answer {
	if err := fresh(c, received); err != nil {
		ans.State, ans.Detail = device.Expired, err.Error()
		return ans
	}
	err := a.o.Journal.Started(c.MessageID, journal.Begun{Target: ans.Target, Verb: ans.Verb, Kind: device.KindSteady, BootID: a.o.BootID})
	if err != nil && a.o.Journal.Degraded() == nil {
		return a.selfRefused(ans, "the journal can't be written, so nothing was asked for: "+err.Error())
	}
	if err := a.request("reboot"); err != nil {
		return a.selfRefused(ans, err.Error())
	}
	ans.Detail = "the box restarts"
	return ans
}

func (a *Agent) selfRefused(ans device.Answer, detail string) device.Answer {
	ans.State, ans.Detail = device.Refused, detail
	return ans
}
