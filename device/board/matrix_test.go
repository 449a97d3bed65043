package board

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longarm/device"
	"longarm/device/board/boardsim"
)

// cell is one column of the table in docs/hardware.md.
type cell struct {
	name, means string
	word        func(t *testing.T, f Family) string // what stands there
	prove       func(t *testing.T, v variant)
}

// cells: what docs/hardware.md says of a family is proved here, through a box
// where the word is one of the box's.
var cells = []cell{
	{"on", "what the board says to the command itself: nothing (`sent`) or that it took it (`acked`). The load goes on, nothing else moves; said twice it moves once", heard(true), provesOn},
	{"off", "likewise off", heard(false), provesOff},
	{"read", "`asks`: the board says where the relay is, also after somebody else moved it; `remembers`: the agent knows what it told the board, and before that nothing", reads, provesRead},
	{"pulse", "who makes the edge back. Two edges, apart by the width or what the board can count above it", pulses, provesPulse},
	{"cycle", "likewise, for a load on either contact", cycles, provesCycle},
	{"proof", "the best that an answer can say. It never says more: not of a command that got lost, of a board that does not tell, of an adapter that sends back what it is sent", proves, provesProof},
	{"timer", "widths that the board counts by itself: with the agent or the cable gone right after the first edge, the load comes back on time. Where it says no, and on the contact that the board does not time, it stays as it is until the agent is back", times, provesTimer},
	{"reopen", "unplugged after any byte of a command, that is `unknown`, or `failed` and nothing moved; plugged in again, the board serves (`yes`), or calls are refused until it had its power taken away", reopens, provesReopen},
}

// TestMatrix proves each cell of the table, for boards of each size.
func TestMatrix(t *testing.T) {
	for _, f := range families {
		t.Run(f.Name, func(t *testing.T) {
			for _, c := range cells {
				t.Run(c.name, func(t *testing.T) {
					for _, v := range variants(f) {
						c.prove(t, v)
					}
				})
			}
		})
	}
}

// TestMatrixOfWhatNoFamilyIs: cells that no family of today has, on LCUS boards.
func TestMatrixOfWhatNoFamilyIs(t *testing.T) {
	for name, change := range map[string]func(v *variant){
		"never answers":            func(v *variant) { v.proof, v.quirks.Silent = Sent, true },
		"must not be opened again": func(v *variant) { v.family.Reopen = false },
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range cells {
				t.Run(c.name, func(t *testing.T) {
					for _, v := range variants(lcus) {
						change(&v)
						c.prove(t, v)
					}
				})
			}
		})
	}
}

var contacts = []device.Contact{device.ContactNO, device.ContactNC}

func provesOn(t *testing.T, v variant)  { provesSteady(t, v, "on", "off") }
func provesOff(t *testing.T, v variant) { provesSteady(t, v, "off", "on") }

// provesSteady: the other level first, then this one, twice.
func provesSteady(t *testing.T, v variant, load, other string) {
	for _, contact := range contacts {
		lay(t, v, contact, func(b *bed) {
			b.want("load "+other, device.Done, other, v.proof)
			b.forget()
			active := (load == "on") == (contact == device.ContactNO)
			for range 2 {
				b.want("load "+load, device.Done, load, v.proof)
			}
			b.relay(load, active)
		})
	}
}

func provesRead(t *testing.T, v variant) {
	lay(t, v, device.ContactNO, func(b *bed) {
		asks := v.proof == Readback
		if asks {
			b.want("load read", device.Done, "off", Readback)
		} else {
			b.want("load read", device.Unknown, "unknown", "")
		}
		b.want("load on", device.Done, "on", v.proof)
		b.want("load read", device.Done, "on", v.proof)
		b.relay("read", true)
		b.sim.Move(v.spec.Channels, false)
		time.Sleep(time.Minute)
		if asks {
			b.want("load read", device.Done, "off", Readback)
		} else {
			b.want("load read", device.Done, "on", v.proof)
		}
	})
}

func provesPulse(t *testing.T, v variant) {
	for _, contact := range contacts {
		lay(t, v, contact, func(b *bed) {
			b.widths("pulse", true, 700*time.Millisecond, 3*time.Second)
		})
	}
}

func provesCycle(t *testing.T, v variant) {
	for _, contact := range contacts {
		lay(t, v, contact, func(b *bed) {
			b.want("load on", device.Done, "on", v.proof)
			b.widths("cycle", contact == device.ContactNC, 700*time.Millisecond, 5*time.Second)
		})
	}
}

// widths: both edges, and the board's own width where it times that.
func (b *bed) widths(verb string, active bool, widths ...time.Duration) {
	for _, width := range widths {
		b.forget()
		proof := ""
		if width >= 3*time.Second {
			proof = b.proof // the first edge of a shorter one is not asked for
		}
		ans := b.want(fmt.Sprintf("load %s %dms", verb, width.Milliseconds()), device.Done, "", proof)
		e := b.relay(verb, active, !active)
		if len(e) != 2 || len(ans.Edges) != 2 {
			b.Errorf("%s %s: %d edges, told as %d, want 2", verb, width, len(e), len(ans.Edges))
			continue
		}
		want, most := width, width+b.family.Gap
		if kept, ok := b.family.Timer.Fit(active, width); ok {
			want, most = kept, kept
		}
		if got := e[1].at.Sub(e[0].at); got < want || got > most {
			b.Errorf("%s %s: the edges are %s apart, want %s, at most %s", verb, width, got, want, most)
		}
	}
}

// provesProof: it is reached, and never claimed.
func provesProof(t *testing.T, v variant) {
	lay(t, v, device.ContactNO, func(b *bed) {
		b.want("load on", device.Done, "on", v.proof)
		b.want("load off", device.Done, "off", v.proof)
		b.sim.Quirk(func(q *boardsim.Quirks) { q.Lost = 1 << 30 })
		if ans := b.do("load on"); ans.State == device.Done && ans.Proof != Sent {
			b.Errorf("no command arrives: got %+v", ans)
		}
		b.is("no command arrives", false)
	})
	lay(t, v, device.ContactNO, func(b *bed) {
		b.sim.Quirk(func(q *boardsim.Quirks) { q.Silent = true })
		if ans := b.do("load on"); ans.State == device.Done && ans.Proof == Readback && v.proof == Readback {
			b.Errorf("it never tells: got %+v", ans)
		}
	})
	lay(t, v, device.ContactNO, func(b *bed) {
		b.sim.Quirk(func(q *boardsim.Quirks) { q.Dead, q.Loop = true, v.family.Bus })
		if ans := b.do("load on"); ans.State == device.Done && ans.Proof != Sent {
			b.Errorf("there is no board, its adapter loops back %t: got %+v", v.family.Bus, ans)
		}
	})
	if v.family.Bus {
		provesLooped(t, v)
	}
}

// provesLooped: an adapter's own echo is no ack, before it is known and after.
func provesLooped(t *testing.T, v variant) {
	lay(t, v, device.ContactNO, func(b *bed) {
		b.sim.Quirk(func(q *boardsim.Quirks) { q.Loop = true })
		b.want("load on", device.Done, "on", v.proof)
		b.sim.Quirk(func(q *boardsim.Quirks) { q.Dead = true })
		if ans := b.do("load off"); ans.State == device.Done {
			b.Errorf("the board is dead, the adapter loops back: got %+v", ans)
		}
	})
}

// provesTimer: the agent dies, or the cable, right after the first edge. And the
// widths are those that it can.
func provesTimer(t *testing.T, v variant) {
	const width = 10 * time.Second
	for _, contact := range contacts {
		lay(t, v, contact, func(b *bed) {
			timer := v.family.Timer
			b.want("load on", device.Done, "on", v.proof)
			b.widths("cycle", contact == device.ContactNC, max(timer.Step, 100*time.Millisecond), max(timer.Longest, time.Second), timer.Longest+time.Second)
		})
		for _, verb := range []string{"pulse", "cycle"} {
			for _, dies := range []string{"agent", "cable"} {
				lay(t, v, contact, func(b *bed) {
					b.want("load on", device.Done, "on", v.proof)
					if verb == "pulse" && contact == device.ContactNO {
						b.want("load off", device.Done, "off", v.proof)
					}
					active := verb == "pulse" || contact == device.ContactNC
					began, answer := b.start("load " + verb + " " + width.String())
					b.die(dies)
					b.comesBack(verb+", no "+dies, began, active, width)
					b.cable.Plug()
					if dies == "cable" && v.family.Reopen {
						time.Sleep(2 * lastPause)
						b.is(verb+", the cable is back", !active)
					}
					<-answer
				})
			}
		}
	}
}

// die ends the agent, port first, since a killed one settles nothing; or pulls
// the cable.
func (b *bed) die(what string) {
	if what == "cable" {
		b.cable.Unplug()
		return
	}
	b.stopPort()
	b.stopBox()
}

// comesBack: at the width that the board keeps and with no byte more, or not.
func (b *bed) comesBack(what string, began time.Time, active bool, width time.Duration) {
	sends := b.cable.Sends()
	kept, times := b.family.Timer.Fit(active, width)
	time.Sleep(time.Until(began.Add(max(kept, width) - time.Millisecond)))
	b.is(what+", before the width is over", active)
	time.Sleep(2 * time.Millisecond)
	b.is(what+", after it", active != times)
	time.Sleep(time.Minute)
	b.is(what+", a minute later", active != times)
	if n := b.cable.Sends() - sends; n > 0 {
		b.Errorf("%s: %d frames went out, want none", what, n)
	}
}

// provesReopen: the cable falls out of a command, after each of its bytes.
func provesReopen(t *testing.T, v variant) {
	unknown := 0
	for cut, whole := 1, false; !whole && !t.Failed(); cut++ {
		lay(t, v, device.ContactNO, func(b *bed) {
			b.want("load off", device.Done, "off", v.proof) // it was greeted
			b.forget()
			b.cable.FallOut(cut)
			switch ans := b.do("load on"); {
			case ans.State == device.Done:
				whole = true
			case ans.State == device.Unknown:
				unknown++
			case ans.State != device.Failed:
				b.Errorf("cut at byte %d: got %+v", cut, ans)
			default:
				b.relay("what did not move")
			}
			b.plugged()
		})
	}
	if unknown == 0 {
		t.Errorf("%s: no cut made the outcome unknown", v)
	}
}

// plugged: what was unplugged serves again, or says why it does not.
func (b *bed) plugged() {
	b.cable.Unplug() // it may hang by a thread still
	time.Sleep(time.Minute)
	if got := b.box.Report()[0]; got.Load != "unknown" {
		b.Errorf("without its cable: %+v, want the load unknown", got)
	}
	sends := b.cable.Sends()
	b.cable.Plug()
	time.Sleep(2 * lastPause)
	if b.family.Reopen {
		b.want("load on", device.Done, "on", b.proof)
		b.is("served again", true)
		b.want("load off", device.Done, "off", b.proof)
		return
	}
	ans := b.want("load off", device.Failed, "unknown", "")
	if want := "board b1 would move when its port is opened again: take its power away, then start anew"; !strings.Contains(ans.Detail, want) {
		b.Errorf("got %q, want it to say %q", ans.Detail, want)
	}
	if n := b.cable.Sends() - sends; n > 0 {
		b.Errorf("%d frames went out, want none", n)
	}
}
