package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"longarm/push"
)

const lsHelp = `ls [NAME-OR-ID] [-json]

Lists the boxes: are they there, if not why not, and when were they last heard.
With a name it shows one box: its buttons, what its outputs and inputs stand at
and how sure that is, and what is wrong on it.

  longarm ls
  longarm ls shop-12
  longarm ls -json | jq -r '.[] | select(.state == "offline") | .name'

States: new (never seen), online, late (a heartbeat is overdue), offline (no
heartbeat for longer than its timeout), signed-off (it said good-bye, and why).
`

func ls(ctx context.Context, c command) int {
	var t target
	f := c.newFlags("ls", lsHelp)
	asJSON := f.Bool("json", false, "print the service's own documents as JSON")
	t.flag(f)
	words, code, done := f.parse(0, 1)
	if done {
		return code
	}
	a, err := c.connect(t)
	if err != nil {
		return c.fault(nil, err)
	}
	if len(words) == 0 {
		return lsAll(ctx, c, a, *asJSON)
	}
	d, err := a.find(ctx, words[0])
	if err != nil {
		return c.fault(a, err)
	}
	raw, err := a.do(ctx, request{method: "GET", path: containerPath(d.ID)})
	if err != nil {
		return c.fault(a, err)
	}
	if *asJSON {
		return c.json(raw)
	}
	if err := decode(raw, &d); err != nil {
		return c.fault(a, err)
	}
	return c.show(d)
}

func lsAll(ctx context.Context, c command, a *api, asJSON bool) int {
	list, raw, err := a.containers(ctx)
	if err != nil {
		return c.fault(a, err)
	}
	if asJSON {
		return c.json(raw)
	}
	if len(list) == 0 {
		fmt.Fprintln(c.stdout, "no containers yet; `longarm container add NAME` makes one")
		return exitDone
	}
	now, rows := time.Now(), [][]string{{"NAME", "STATE", "SEEN", "OPEN", "NOTES", "TARGETS"}}
	for _, d := range list {
		rows = append(rows, []string{clean(d.Name), clean(d.State), age(now, d.LastSeen), fmt.Sprint(d.OpenCalls),
			strings.Join(d.notes(), "; "), strings.Join(targets(d.Report), ", ")})
	}
	return c.table(c.painter(c.stdout), rows)
}

// table prints rows in columns; the second holds states and gets their colour
// after the widths are known, since an escape sequence has no width.
func (c command) table(p painter, rows [][]string) int {
	var plain bytes.Buffer
	w := tabwriter.NewWriter(&plain, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return c.written(err)
	}
	lines := strings.Split(strings.TrimSuffix(plain.String(), "\n"), "\n")
	at := strings.Index(lines[0], rows[0][1])
	for i, line := range lines {
		line = strings.TrimRight(line, " ")
		if i == 0 {
			line = p.paint(bold, line)
		} else if before, state, rest := cutState(line, at, rows[i][1]); p && state != "" {
			line = before + p.state(state) + rest
		}
		fmt.Fprintln(c.stdout, line)
	}
	return exitDone
}

// cutState finds a state in its column, which starts at the rune at.
func cutState(line string, at int, state string) (before, found, rest string) {
	runes := []rune(line)
	if at > len(runes) {
		return line, "", ""
	}
	before, rest = string(runes[:at]), string(runes[at:])
	if rest, ok := strings.CutPrefix(rest, state); ok {
		return before, state, rest
	}
	return line, "", ""
}

// targets are the outputs and inputs of a report in few words.
func targets(r *push.Report) []string {
	if r == nil {
		return nil
	}
	var list []string
	for _, t := range r.Targets {
		list = append(list, clean(t.Name+" "+level(t)))
	}
	return list
}

// level is the load of an output, the line of anything else.
func level(t push.TargetState) string {
	switch {
	case t.Load != "":
		return t.Load
	case t.Active:
		return "active"
	}
	return "inactive"
}

// show prints all that is known of one container.
func (c command) show(d containerDoc) int {
	p := c.painter(c.stdout)
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	row("name", clean(d.Name))
	row("id", clean(d.ID))
	row("state", p.state(clean(d.State)))
	row("notes", strings.Join(d.notes(), "; "))
	row("seen", age(time.Now(), d.LastSeen))
	row("timeout", fmt.Sprintf("%d min", d.MaxHeartbeatTimeout))
	row("open calls", fmt.Sprint(d.OpenCalls))
	for _, b := range d.Buttons {
		row("button", clean(b.Text)+": "+clean(b.Data))
	}
	for _, id := range d.MayCall {
		row("may call", clean(id))
	}
	for _, i := range d.Instances {
		row("device", clean(i.Instance)+d.standing(i)+", heard "+age(time.Now(), i.LastSeen))
	}
	if d.Report != nil {
		showReport(row, d.Report)
	}
	return c.written(w.Flush())
}

// standing is what an operator's pick means for one of two devices.
func (d containerDoc) standing(i instanceDoc) string {
	switch d.Picked {
	case "":
		return ""
	case i.Instance:
		return ", picked"
	}
	return ", refused"
}

func showReport(row func(name, value string), r *push.Report) {
	for _, t := range r.Targets {
		parts := []string{clean(t.Kind), clean(level(t))}
		if t.Proof != "" {
			parts = append(parts, "proof: "+clean(t.Proof))
		}
		if t.Detail != "" {
			parts = append(parts, clean(t.Detail))
		}
		row("target "+clean(t.Name), strings.Trim(strings.Join(parts, ", "), ", "))
	}
	row("agent", clean(r.Agent.Version))
	row("started", clean(r.Agent.Started))
	row("last stop", clean(r.Agent.Cause))
	row("instance", clean(r.Agent.Instance))
	for _, fault := range r.Agent.Faults {
		row("fault", clean(fault))
	}
}
