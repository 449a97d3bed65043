package agent

import (
	"strconv"
	"strings"

	"longarm/device"
)

func failed(detail string) device.Answer {
	return device.Answer{State: "failed", Proof: "sent", Load: "unknown", Detail: detail}
}

func refused(detail string) device.Answer {
	return device.Answer{State: "refused", Proof: "sent", Load: "unknown", Detail: detail}
}

func unknown(e device.Answer, detail string) device.Answer {
	e.State, e.Load, e.Detail = "unknown", "unknown", detail
	return e
}

// named fills in what the call's own words say, for answers that came before
// anybody read them.
func named(ans device.Answer, data string) device.Answer {
	if cmd, err := device.ParseCommand(data); err == nil && ans.Target == "" {
		ans.Target, ans.Verb = cmd.Target, cmd.Verb
	}
	return ans
}

// sentence is what the person who clicked reads first.
func sentence(ans device.Answer) string {
	var b strings.Builder
	if ans.Target != "" {
		b.WriteString(ans.Target + " " + ans.Verb + ": ")
	}
	said := strings.HasPrefix(ans.Detail, ans.State)
	if !said && (ans.State != "done" || ans.Detail == "") {
		b.WriteString(ans.State)
		if ans.Detail != "" {
			b.WriteString(": ")
		}
	}
	b.WriteString(ans.Detail)
	return b.String()
}

// shortened cuts a text that is longer than most bytes.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// printable makes a call's text fit for a log line: control characters and
// more than 200 bytes never reach a terminal.
func printable(data string) string {
	const most = 200
	if len(data) > most {
		data = data[:most] + "…"
	}
	q := strconv.QuoteToGraphic(data)
	return q[1 : len(q)-1]
}
