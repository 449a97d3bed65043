package agent

import (
	"encoding/json"
	"strings"

	"longarm/device"
)

// self serves the reserved target "agent".
func (a *Agent) self(cmd device.Command) device.Answer {
	ans := device.Answer{State: "done", Proof: "sent", Target: cmd.Target, Verb: cmd.Verb, Load: "unknown"}
	if len(cmd.Args) > 0 {
		return a.selfRefused(ans, cmd.Verb+" takes no arguments")
	}
	switch cmd.Verb {
	case "status":
		text, err := json.Marshal(a.report())
		if err != nil {
			return a.selfRefused(ans, err.Error())
		}
		ans.Detail = string(text)
	case "plan":
		ans.Detail = "targets: " + strings.Join(a.o.Box.Targets(), ", ")
	case "reboot":
		if err := a.request("reboot"); err != nil {
			return a.selfRefused(ans, err.Error())
		}
		ans.Detail = "the box restarts"
	default:
		return a.selfRefused(ans, "unknown verb "+printable(cmd.Verb)+"; agent understands status, plan, reboot")
	}
	return ans
}

func (a *Agent) selfRefused(ans device.Answer, detail string) device.Answer {
	ans.State, ans.Detail = "refused", detail
	return ans
}
