package board

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device/board/boardsim"
)

// The maps of boards that have a driver of their own, and of some that have none.
var (
	mapWaveshare  = Map{Function: writeCoil, On: 0xFF00, Read: readCoils}
	mapC0135      = Map{Function: writeCoil, Base: 1, On: 0x0100, Read: readCoils}
	mapEletechsup = Map{Function: writeRegister, Base: 1, On: 0x0100, Off: 0x0200, Read: readRegisters}
	mapPlain      = Map{Function: writeRegister, On: 1, Read: readRegisters}
	mapUpside     = Map{Function: writeCoil, Off: 0xFF00, Read: readCoils}    // 0 drives the relay
	mapUpsideReg  = Map{Function: writeRegister, Off: 1, Read: readRegisters} // likewise
	mapMixed      = Map{Function: writeRegister, On: 1, Read: readCoils}
	mapMute       = Map{Function: writeRegister, On: 1}
	mapMuteCoils  = Map{Function: writeCoil, On: 0xFF00}
)

// instead runs a test on a board that is not what the spec says: of another
// family, or smaller.
func instead(t *testing.T, driver string, channels int, s Spec, test func(r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		sim, err := boardsim.New(driver, channels, s.Unit, boardsim.Quirks{})
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{t: t, cable: boardsim.NewCable(sim), sims: []*boardsim.Board{sim}}
		r.port = NewPort(r.open, PortOptions{})
		b, err := r.port.Add(s)
		if err != nil {
			t.Fatal(err)
		}
		r.boards = []*Board{b}
		stop := runPort(t, r.port)
		test(r)
		stop()
	})
}

// mapping runs a test on a modbus-generic of four channels whose board is one of
// another family.
func mapping(t *testing.T, driver string, unit int, as Map, test func(r *rig, one *Channel)) {
	instead(t, driver, 4, Spec{Driver: "modbus-generic", Channels: 4, Unit: unit, Map: as}, func(r *rig) { test(r, r.channel(0, 1)) })
}

func TestGenericSpeaksAsItsMapSays(t *testing.T) {
	for _, test := range []struct {
		driver  string
		unit    int
		as      Map
		upside  bool
		ask, on string
		off     string
	}{
		{"waveshare", 1, mapWaveshare, false, "01 01 00 00 00 04 3D C9", "01 05 00 00 FF 00 8C 3A", "01 05 00 00 00 00 CD CA"},
		{"lctech", 255, mapWaveshare, false, "FF 01 00 00 00 04 28 17", "FF 05 00 00 FF 00 99 E4", "FF 05 00 00 00 00 D8 14"},
		{"c0135", 1, mapC0135, false, c0135Ask, c0135On, c0135Off},
		{"eletechsup", 1, mapEletechsup, false, "01 03 00 01 00 04 15 C9", eletechOn, eletechOff},
		{"modbus-generic", 1, mapPlain, false, "01 03 00 00 00 04 44 09", "01 06 00 00 00 01 48 0A", "01 06 00 00 00 00 89 CA"},
		{"modbus-generic", 1, mapMixed, false, "01 01 00 00 00 04 3D C9", "01 06 00 00 00 01 48 0A", "01 06 00 00 00 00 89 CA"},
		{"modbus-generic", 1, mapUpside, true, "01 01 00 00 00 04 3D C9", "01 05 00 00 00 00 CD CA", "01 05 00 00 FF 00 8C 3A"},
		{"modbus-generic", 1, mapUpsideReg, true, "01 03 00 00 00 04 44 09", "01 06 00 00 00 00 89 CA", "01 06 00 00 00 01 48 0A"},
	} {
		mapping(t, test.driver, test.unit, test.as, func(r *rig, one *Channel) {
			for _, active := range []bool{true, false, true} {
				proof, err := one.Set(active, "")
				wantProof(t, test.driver, proof, err, Acked)
				proof, err = one.Prove(active)
				wantProof(t, test.driver, proof, err, Readback)
				if r.sims[0].Active(1) != (active != test.upside) {
					t.Errorf("%s %+v: told %t, is not", test.driver, test.as, active)
				}
			}
			wantFrames(t, r, test.ask, test.on, test.ask, test.off, test.ask, test.on, test.ask)
		})
	}
}

// TestGenericThatIsNotAsked: without a read it proves an ack at best, and that
// only once something showed whose bytes come back.
func TestGenericThatIsNotAsked(t *testing.T) {
	for _, test := range []struct {
		name      string
		driver    string
		as        Map
		quirk     func(q *boardsim.Quirks)
		ask, want string
	}{
		{"answers", "modbus-generic", mapMute, func(*boardsim.Quirks) {}, "01 03 00 00 00 01 84 0A", Acked},
		{"answers for coils", "modbus-generic", mapMuteCoils, func(*boardsim.Quirks) {}, "01 01 00 00 00 04 3D C9", Acked},
		{"refuses", "waveshare", mapMuteCoils, func(*boardsim.Quirks) {}, "01 01 00 00 00 04 3D C9", Acked},
		{"is silent", "modbus-generic", mapMute, func(q *boardsim.Quirks) { q.Silent = true }, "01 03 00 00 00 01 84 0A", Sent},
		{"is looped", "modbus-generic", mapMute, func(q *boardsim.Quirks) { q.Loop = true }, "01 03 00 00 00 01 84 0A", Acked},
		{"is silent and looped", "modbus-generic", mapMute, func(q *boardsim.Quirks) { q.Silent, q.Loop = true, true }, "01 03 00 00 00 01 84 0A", Acked},
	} {
		mapping(t, test.driver, 1, test.as, func(r *rig, one *Channel) {
			r.quirk(0, test.quirk)
			proof, err := one.Set(true, "")
			wantProof(t, test.name, proof, err, test.want)
			f := r.sent()
			if len(f) != 2 || f[0] != test.ask {
				t.Errorf("%s: sent %q, want %s and the command", test.name, f, test.ask)
			}
			proof, err = one.Prove(true)
			wantProof(t, test.name+", prove", proof, err, test.want)
			if f := r.sent(); len(f) > 0 {
				t.Errorf("%s: asked %q", test.name, f)
			}
			r.quirk(0, func(q *boardsim.Quirks) { q.Dead = true })
			_, err = one.Set(false, "")
			wantFault(t, test.name+", then dead", err, true)
		})
	}
}

// TestGenericFirstCommandIsSentAgain: what is asked before it is asked once, it not.
func TestGenericFirstCommandIsSentAgain(t *testing.T) {
	mapping(t, "modbus-generic", 1, mapMute, func(r *rig, one *Channel) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Lost = mostTries - 1 })
		proof, err := one.Set(true, "")
		wantProof(t, "set", proof, err, Acked)
		if f := r.sent(); len(f) != 1+mostTries {
			t.Errorf("sent %q", f)
		}
	})
}

// TestGenericDeadBehindALoop: our own bytes are no answer, though nobody is asked.
func TestGenericDeadBehindALoop(t *testing.T) {
	mapping(t, "modbus-generic", 1, mapMute, func(r *rig, one *Channel) {
		r.quirk(0, func(q *boardsim.Quirks) { q.Dead, q.Loop = true, true })
		proof, err := one.Set(true, "")
		wantFault(t, "set", err, true)
		if proof != "" {
			t.Errorf("got %q of a board that is not there", proof)
		}
	})
}

// TestGenericLevels: what a register shows.
func TestGenericLevels(t *testing.T) {
	on, off, nothing := level{true, true}, level{false, true}, level{}
	for _, test := range []struct {
		as    Map
		shows map[uint16]level
	}{
		{mapPlain, map[uint16]level{1: on, 0: off, 2: nothing, 0xFF00: nothing}},
		{mapUpsideReg, map[uint16]level{0: on, 1: off, 2: nothing}},
		{mapEletechsup, map[uint16]level{0x0100: on, 0x0200: off, 1: on, 0: off, 2: nothing, 0x0600: nothing}},
		{Map{On: 0x0100}, map[uint16]level{0x0100: on, 0: off, 1: nothing}}, // 0 is written, so 1 is not its opposite
		{Map{On: 1, Off: 2}, map[uint16]level{1: on, 2: off, 0: nothing}},
	} {
		for value, want := range test.shows {
			if got := test.as.level(value); got != want {
				t.Errorf("%+v shows %04X: got %+v, want %+v", test.as, value, got, want)
			}
		}
	}
}

func FuzzGenericLevel(f *testing.F) {
	f.Add(uint16(0x0100), uint16(0x0200), uint16(1))
	f.Add(uint16(1), uint16(0), uint16(2))
	f.Fuzz(func(t *testing.T, on, off, value uint16) {
		m := Map{Function: writeRegister, On: on, Off: off, Read: readRegisters}
		if m.check(1) != nil {
			return
		}
		l := m.level(value)
		switch {
		case value == on && l != level{true, true}, value == off && l != level{false, true}:
			t.Errorf("%+v shows %04X, which was written: got %+v", m, value, l)
		case l.known && value != on && value != off && (value > 1 || l.active != (value == 1)):
			t.Errorf("%+v shows %04X: got %+v", m, value, l)
		case !l.known && l.active:
			t.Error("active and not known")
		}
	})
}

func TestMapIsChecked(t *testing.T) {
	for _, test := range []struct {
		as   Map
		want string
	}{
		{Map{}, "map function 0: want 5 or 6"},
		{Map{Function: 16, On: 1}, "map function 16: want 5 or 6"},
		{Map{Function: 5, On: 1, Read: 2}, "map read 2: want 1 or 3, or none"},
		{Map{Function: 5, On: 7, Off: 7}, "map on and off are both 7: want two values"},
		{Map{Function: 6, Base: 0xFFFE, On: 1}, "map base 65534: want the address of channel 3 to be at most 65535"},
		{Map{Function: 6, Base: 0xFFFD, On: 1}, ""},
	} {
		_, err := NewPort(nil, PortOptions{}).Add(Spec{Name: "g", Driver: "modbus-generic", Channels: 3, Map: test.as})
		if got := ""; test.want != "" {
			got = "board g: " + test.want
			if err == nil || err.Error() != got {
				t.Errorf("%+v: got %v, want %s", test.as, err, got)
			}
		} else if err != nil {
			t.Errorf("%+v: got %v", test.as, err)
		}
	}
}

func TestGenericTroubles(t *testing.T) {
	troubles(t, Spec{Driver: "modbus-generic", Channels: 4, Map: mapPlain})
	mapping(t, "eletechsup", 1, Map{Function: writeRegister, Base: 1, On: 0x0900, Off: 0x0200, Read: readCoils}, func(r *rig, one *Channel) {
		_, err := one.Set(true, "") // a wrong map
		wantFault(t, "a value that it does not know", err, false)
		if err == nil || !strings.Contains(err.Error(), "it does not take this value (exception 3)") {
			t.Errorf("got %v", err)
		}
		proof, err := one.Set(false, "")
		wantProof(t, "one that it knows", proof, err, Acked)
		proof, err = one.Prove(false) // coils it refuses to read
		wantProof(t, "prove", proof, err, Acked)
	})
}

// troubles is what every Modbus family does about silence, garbage and a no.
func troubles(t *testing.T, s Spec) {
	t.Helper()
	bench(t, []Spec{s}, func(r *rig) {
		one := r.channel(0, 1)
		r.quirk(0, func(q *boardsim.Quirks) { q.Dead = true })
		_, err := one.Set(true, "")
		wantFault(t, "silent from the first", err, false)
		for _, f := range r.sent() {
			if f[3:5] != "01" && f[3:5] != "03" {
				t.Errorf("a command was sent to a board that was not met: %s", f)
			}
		}
		r.quirk(0, func(q *boardsim.Quirks) { q.Dead = false })
		time.Sleep(lastPause)
		for name, quirk := range map[string]func(q *boardsim.Quirks){
			"lost":     func(q *boardsim.Quirks) { q.Lost = mostTries - 1 },
			"noise":    func(q *boardsim.Quirks) { q.Noise = mostTries - 1 },
			"bad sums": func(q *boardsim.Quirks) { q.BadSum = mostTries - 1 },
		} {
			r.quirk(0, quirk)
			proof, err := one.Set(true, "")
			wantProof(t, name, proof, err, Acked)
			if !r.sims[0].Active(1) {
				t.Errorf("%s: it did not move", name)
			}
			_, _ = one.Set(false, "")
		}
		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = mostTries })
		_, err = one.Set(true, "")
		wantFault(t, "noise for good", err, true)
		if err == nil || !strings.Contains(err.Error(), "an answer that makes no sense") {
			t.Errorf("noise for good: got %v", err)
		}
		time.Sleep(time.Second)
		r.want("asked when it was back", one, true, true)
		r.quirk(0, func(q *boardsim.Quirks) { q.Loop = true }) // another adapter
		replug(r)
		proof, err := one.Set(true, "")
		wantProof(t, "looped from the first", proof, err, Acked)
		r.quirk(0, func(q *boardsim.Quirks) { q.Lost = 9 })
		_, err = one.Set(false, "")
		wantFault(t, "lost, looped", err, true)
	})
}

// replug pulls the cable and waits until the port is back.
func replug(r *rig) {
	r.cable.Unplug()
	time.Sleep(lookEvery + time.Millisecond)
	r.cable.Plug()
	time.Sleep(lastPause)
	r.sent()
}

// TestFamiliesShareABus: each by its unit.
func TestFamiliesShareABus(t *testing.T) {
	bench(t, []Spec{
		{Driver: "waveshare", Channels: 8}, {Driver: "lctech", Channels: 4}, {Driver: "eletechsup", Channels: 8, Unit: 2},
		{Driver: "c0135", Channels: 4, Unit: 3}, {Driver: "modbus-generic", Channels: 4, Unit: 4, Map: mapPlain},
	}, func(r *rig) {
		for i := range r.boards {
			proof, err := r.channel(i, 1+i%4).Set(true, "")
			wantProof(t, r.boards[i].family.Name, proof, err, Acked)
			proof, err = r.channel(i, 1+i%4).Prove(true)
			wantProof(t, r.boards[i].family.Name, proof, err, Readback)
		}
		for i, sim := range r.sims {
			for n := range len(r.boards[i].channels) {
				if sim.Active(n+1) != (n == i%4) {
					t.Errorf("board %d channel %d: active %t", i+1, n+1, sim.Active(n+1))
				}
			}
		}
		r.quirk(1, func(q *boardsim.Quirks) { q.Dead = true })
		_, err := r.channel(1, 2).Set(false, "")
		wantFault(t, "the dead one", err, true)
		_, proof, err := r.channel(0, 1).Timed(true, time.Second, "")
		wantProof(t, "its neighbour", proof, err, Acked)
	})
}
