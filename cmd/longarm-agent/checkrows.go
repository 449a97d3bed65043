package main

import (
	"strconv"
	"strings"

	"longarm/device"
)

// nothingSent is the cell AT START of what is on a port.
const nothingSent = "\tnothing: no byte is sent\t%"

// rows writes the table, in this order: what outputs are on, what calls can
// name, what was left out, rules.
func (k *checker) rows() {
	k.row("KIND\tNAME\tWHERE\tNOW\tAT START\tPROOF")
	if p := &k.cfg.Push; k.cfg.PushOK {
		k.row("push\t\tcontainer % at %", p.Container, strings.Join(p.URLs, ", "))
		if err := checkPush(*p); err != nil {
			k.fault("push", err.Error())
		}
	}
	k.lines()
	k.wholes()
	for _, name := range k.cfg.Dropped {
		why := "see the faults"
		if part := k.cfg.Parts[name]; part != "" {
			why = "its " + part + " is"
		}
		k.row("-\t%\tleft out: %", name, why)
	}
	k.rules()
}

// lines are boards, outputs and inputs.
func (k *checker) lines() {
	spec := &k.cfg.Device
	for i := range spec.Outputs {
		k.lookAtOutput(&spec.Outputs[i])
	}
	for i := range spec.Boards {
		k.lookAtBoard(&spec.Boards[i])
	}
	for _, o := range k.outs {
		k.open(o)
	}
	for _, o := range k.outs {
		k.row("output\t%\t%\t%\t%\t%%", o.Name, o.where, o.now, k.start(o), k.sensed(o.proof, o.Confirm), o.timed)
	}
	for i := range spec.Inputs {
		in := &spec.Inputs[i]
		k.watched("input\t"+in.Name, &in.Line, "")
	}
}

// watched is a line that is only read.
func (k *checker) watched(what string, ref *device.LineRef, rule string) {
	where, now, _ := k.line(what, ref)
	if !strings.Contains(what, "\t") {
		what += "\t"
	}
	proof := "readback"
	if k.sim != nil {
		proof = "sim"
	}
	k.row("%\t%\t%\tnothing%\t%", what, where, now, rule, proof)
}

// wholes are machines, ports and groups.
func (k *checker) wholes() {
	spec := &k.cfg.Device
	for i := range spec.Machines {
		m := &spec.Machines[i]
		reset, led := m.Reset, m.LED
		if reset == "" {
			reset = "none"
		}
		if led == "" {
			led = "none: on, off, reboot are refused"
		}
		k.row("machine\t%\tpower %, reset %, LED %\t-\tnothing\t%", m.Name, m.Power, reset, led, k.sensed(k.least(m.Power), m.LED))
	}
	for i := range spec.Ports {
		p := &spec.Ports[i]
		where, now, _ := k.device("port\t"+p.Name, p.Device)
		asks, proof := "", "sent"
		for j := range p.Exchanges {
			asks, proof = asks+", ask "+p.Exchanges[j].Name, "acked" // the device alone can have made a reply that fits
		}
		if p.Raw {
			asks += ", send TEXT"
		}
		if where == simulated {
			proof = "sim"
		}
		k.row("port\t%\t%, % baud%\t%"+nothingSent, p.Name, where, strconv.Itoa(p.Baud), asks, now, proof)
	}
	for i := range spec.Groups {
		g := &spec.Groups[i]
		k.row("group\t%\t%; on % apart\t-\tas its members\t%", g.Name, strings.Join(g.Members, ", "), span(g.Delay), proofs[k.least(g.Members...)])
	}
}

// rules are what is no target.
func (k *checker) rules() {
	spec := &k.cfg.Device
	if l := spec.Lockout; l != nil {
		k.watched("lockout", &l.Line, "; while active only moves towards safe")
	}
	if p := spec.PowerFail; p != nil {
		k.watched("power_fail", &p.Line, fill("; when lost: outputs %, then %", p.Outputs, p.Then))
	}
	for _, l := range spec.Interlocks {
		k.row("interlock\t\t%: one load on at a time, dead time %, also after the start; two that are on then go to safe",
			strings.Join(l.Outputs, ", "), span(l.DeadTime))
	}
	for i := range spec.Triggers {
		t := &spec.Triggers[i]
		when, rest := t.Input+" goes "+string(t.Edge), ""
		if t.Input == "" {
			when, rest = "offline for "+span(t.Offline), ", tries "+strconv.Itoa(t.Tries)
		}
		if t.Then > 0 {
			rest += ", then after " + span(t.Then)
		}
		if t.Remote() {
			rest = ", told to container " + t.To
		}
		k.row("trigger\t\twhen %: %%", when, t.Call.String(), rest)
	}
}
