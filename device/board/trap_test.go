package board

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device/board/boardsim"
)

// The traps of hardware.md, section 7, that every family must pass by; docs/traps.md
// has the whole list.

// TestICSEIsNotServed: "driver fixed by config; ICSE not re-initialised". Its
// command mode cannot be left and a second 50 is a mask, so no driver name means
// it, and a family that may not be opened twice is not (openWire).
func TestICSEIsNotServed(t *testing.T) {
	for _, name := range []string{"icse", "icse012a", "icse013a", "icse014a", "icstation", "auto", ""} {
		if f, err := Find(name); err == nil {
			t.Errorf("driver %q: got %s, want none", name, f.Name)
		}
	}
	for _, f := range families {
		if strings.Contains(strings.ToUpper(f.Name+f.Boards), "ICS") {
			t.Errorf("%s: serves %s, of which nothing can be opened again", f.Name, f.Boards)
		}
	}
}

// said are the frames of a session with each family: two relays, driven,
// released, asked and timed, from relays that were all one level before.
func said(t *testing.T, f Family, before bool) (frames [][]byte) {
	bench(t, []Spec{trapSpec(f)}, func(r *rig) {
		for i := range r.boards[0].channels {
			r.sims[0].Move(i+1, before)
		}
		for _, n := range []int{1, 2} {
			c := r.channel(0, n)
			for _, active := range []bool{true, true, false, false, true} {
				if _, err := c.Set(active, ""); err != nil {
					t.Errorf("%s: %v", f.Name, err)
				}
				_, _ = c.Prove(active)
			}
			_, _, _, _ = c.Read()
			for _, active := range []bool{true, false} {
				_, _, _ = c.Timed(active, 2*time.Second, "")
				time.Sleep(time.Second)
				_, _ = c.Set(!active, "") // in its middle
			}
		}
		for _, text := range r.sent() {
			p, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			frames = append(frames, p)
		}
	})
	return frames
}

func trapSpec(f Family) Spec {
	s := Spec{Driver: f.Name, Channels: 3, Map: Map{Function: writeRegister, On: 1, Read: readRegisters}}
	if f.Sizes != nil {
		s.Channels = f.Sizes[len(f.Sizes)/2]
	}
	return s
}

// TestNoFrameToggles: "toggle commands forbidden over the network". A frame that
// is said twice, as a repeat after a lost answer does, does what it does once.
func TestNoFrameToggles(t *testing.T) {
	for _, f := range families {
		for _, before := range []bool{false, true} {
			frames := said(t, f, before)
			for i := range frames {
				once, twice := after(t, f, frames[:i+1], before), after(t, f, append(slices.Clone(frames[:i+1]), frames[i]), before)
				if !slices.Equal(once, twice) {
					t.Errorf("%s: % X said twice: %t, once: %t", f.Name, frames[i], twice, once)
				}
			}
		}
	}
}

// after is where the relays of a new board are after the frames.
func after(t *testing.T, f Family, frames [][]byte, before bool) (active []bool) {
	synctest.Test(t, func(t *testing.T) {
		s := trapSpec(f)
		sim, err := boardsim.New(f.Name, s.Channels, f.Unit, boardsim.Quirks{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Channels {
			sim.Move(i+1, before)
		}
		end, err := boardsim.NewCable(sim).Open()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range frames {
			if err := end.Write(p); err != nil {
				t.Fatal(err)
			}
			time.Sleep(150 * time.Millisecond) // more than any gap
		}
		for i := range s.Channels {
			active = append(active, sim.Active(i+1))
		}
	})
	return active
}

// TestLCUSSaysOnlyOnOffAndAsk: "LCUS: only ops 00/01": on some clones 02
// switches off, on others it asks.
func TestLCUSSaysOnlyOnOffAndAsk(t *testing.T) {
	for _, p := range append(said(t, lcus, false), said(t, lcus, true)...) {
		if ask := len(p) == 1 && p[0] == 0xFF; !ask && (len(p) != 4 || p[0] != 0xA0 || p[2] > 1) {
			t.Errorf("sent % X, want FF, or A0 with op 00 or 01", p)
		}
	}
}

// TestNoFrameIsForAllUnits: "LC-Tech: address change only with one board". No
// family speaks to unit 0, which all boards on a bus hear, nor writes the
// register where an address is kept: none is ever changed.
func TestNoFrameIsForAllUnits(t *testing.T) {
	for _, f := range families {
		if !f.Bus {
			continue
		}
		for _, p := range said(t, f, false) {
			writes := p[1] == writeRegister || p[1] == writeRegisters
			address := int(p[2])<<8 | int(p[3])
			switch {
			case int(p[0]) != f.Unit:
				t.Errorf("%s: sent % X, want unit %d alone", f.Name, p, f.Unit)
			case writes && (f.Name == "waveshare" || f.Name == "lctech" && address < lctechModes):
				t.Errorf("%s: sent % X, which may be where its address is kept", f.Name, p)
			}
		}
	}
}

// TestAnEchoIsComparedByteByByte: "Modbus echo compared byte by byte; own echo
// stripped". Whatever byte of it is another, with a right sum, it is no answer to
// what was sent; nor is a copy that the adapter sent back.
func TestAnEchoIsComparedByteByByte(t *testing.T) {
	for _, function := range []byte{writeCoil, writeRegister} {
		request := modbusFrame(7, pdu(function, 0x0203, 0x0405))
		if got, _ := modbusReply(request, request, false); got == nil {
			t.Errorf("the echo itself is none: % X", request)
		}
		if got, _ := modbusReply(request, request, true); got != nil {
			t.Errorf("our own, looped back, is taken for the board's: % X", got)
		}
		for i := range len(request) - 2 {
			for wrong := range 256 {
				echo := slices.Clone(request[:len(request)-2])
				echo[i] = byte(wrong)
				echo = modbusFrame(echo[0], echo[1:])
				if got, _ := modbusReply(echo, request, false); got != nil && byte(wrong) != request[i] {
					t.Fatalf("sent % X: % X is taken for its echo", request, echo)
				}
			}
		}
	}
}

// TestLCUSThatNeverAnswersIsUnknown: "state may be unknown". A board that does
// not tell is unknown until it is told something, and again after it was away;
// and then there is no more than "sent" to say.
func TestLCUSThatNeverAnswersIsUnknown(t *testing.T) {
	bench(t, []Spec{{Driver: "lcus", Channels: 2}}, func(r *rig) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Silent = true })
		c := r.channel(0, 1)
		for _, when := range []string{"at the start", "after it was away"} {
			if _, known, _, err := c.Read(); known || err != nil {
				t.Errorf("%s: got known %t, %v; want unknown", when, known, err)
			}
			_, _ = c.Set(true, "")
			proof, err := c.Prove(true)
			wantProof(t, when, proof, err, Sent)
			r.cable.Unplug()
			time.Sleep(time.Minute)
			r.cable.Plug()
			time.Sleep(time.Minute)
		}
		r.want("at last", c, false, false)
	})
}

// TestModesThatNobodyTellsAreNoNormalOnes: "mode register normal". An answer
// that nobody understands is none: the board is asked again before it is told
// anything. A board that says that it has no such register, or nothing, has none.
func TestModesThatNobodyTellsAreNoNormalOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, err := boardsim.New("waveshare", 8, 1, boardsim.Quirks{Modes: []uint16{0, 2, 0, 0, 0, 0, 0, 0}})
		if err != nil {
			t.Fatal(err)
		}
		cable := boardsim.NewCable(sim)
		port := NewPort(func() (Wire, error) {
			e, err := cable.Open()
			return garbling{e, sim}, err
		}, PortOptions{})
		b, err := port.Add(Spec{Name: "b1", Driver: "waveshare", Channels: 8})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { port.Run(ctx) })
		c, _ := b.Channel(1)
		_, err = c.Set(true, "")
		wantFault(t, "modes in noise", err, false)
		time.Sleep(time.Minute)
		if _, _, err := c.Active(); err == nil || sim.Active(1) {
			t.Errorf("got %v, active %t; want it refused as long as nobody knows its modes", err, sim.Active(1))
		}
		stop()
		running.Wait()
	})
}

// garbling makes noise of every answer about the modes.
type garbling struct {
	*boardsim.End
	sim *boardsim.Board
}

func (w garbling) Write(p []byte) error {
	if fmt.Sprintf("%X", p[1:4]) == "031000" {
		w.sim.Quirk(func(q *boardsim.Quirks) { q.Noise = 1 })
	}
	return w.End.Write(p)
}
