package device

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProofIsTheWeakestOfTheEdges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}})
		slow := r.makeSlow("pump")
		r.open().run()
		for _, test := range []struct {
			text, proof string
			proves      int
		}{
			{"pump on", "readback", 1},
			{"pump pulse", "sent", 1}, // no time to ask in the middle
			{"pump on", "readback", 1},
			{"pump cycle 2s", "readback", 2},
			{"pump read", "readback", 0},
		} {
			before := slow.proves
			if ans := r.want(r.do(test.text), Done, ""); ans.Proof != test.proof || slow.proves-before != test.proves {
				t.Errorf("%s: proof %s after asking %d times, want %s, %d", test.text, ans.Proof, slow.proves-before, test.proof, test.proves)
			}
		}
	})
}

func TestAskingDoesNotStretchAPulse(t *testing.T) {
	for _, text := range []string{"siren pulse 100ms", "siren pulse 2s"} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Spec{Outputs: []OutputSpec{siren}})
			slow := r.makeSlow("siren")
			r.open().run()
			ans := r.want(r.do(text), Done, "")
			width := r.lines["siren"].between(0, 1)
			if want := time.Duration(ans.Edges[1].AtMS) * time.Millisecond; width != want || !strings.HasSuffix(text, words(width)) {
				t.Errorf("%s: width %s, answer says %s", text, width, want)
			}
			if ans.TookMS != width.Milliseconds()+slow.takes.Milliseconds() {
				t.Errorf("%s took %d ms, want the proof after the edge", text, ans.TookMS)
			}
		})
	}
}

func TestBoardThatVanishedBetweenEdgeAndProof(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}})
		slow := r.makeSlow("pump")
		r.open().run()
		slow.set(func() { slow.fault, slow.gone = moved(true), moved(true) })
		ans := r.want(r.do("pump pulse"), Unknown, "the edge back failed, trying until it succeeds: fake trouble")
		if len(ans.Edges) != 2 || ans.Load != "unknown" {
			t.Errorf("got %+v, want both edges sent and the load unknown", ans)
		}
		slow.set(func() { slow.fault, slow.gone = nil, nil })
		slow.news <- struct{}{}
		later(time.Second)
		r.want(r.do("pump pulse"), Done, "")
	})
}

func TestStuckRelayIsFailedAndTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}})
		slow := r.makeSlow("pump")
		r.open().run()
		r.do("pump on")
		slow.set(func() { slow.fault = moved(false) })
		r.want(r.do("pump off"), Failed, "the line is not there yet")
		slow.set(func() { slow.fault = nil })
		later(time.Minute)
		if got := r.reported("pump"); got.Load != "off" || got.Detail != "" {
			t.Errorf("report: got %+v, want off", got)
		}
	})
}

func TestLeaseWhoseBoardVanishedIsSettledWhenItIsBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}})
		slow := r.makeSlow("pump")
		r.open().run()
		r.do("pump on 1h")
		slow.set(func() { slow.gone = moved(false); slow.fail = func(int, bool) error { return slow.gone } })
		slow.news <- struct{}{}
		later(time.Minute)
		if got := r.reported("pump"); got.Load != "unknown" || !strings.HasPrefix(got.Detail, "settle call c1: not there yet") {
			t.Errorf("report: got %+v, want it unknown and not settled", got)
		}
		slow.set(func() { slow.gone, slow.fail = nil, nil })
		slow.news <- struct{}{}
		synctest.Wait()
		wantTrace(t, slow.fakeLine, "+call c1, -settle call c1")
		later(2 * time.Hour)
		if got := r.reported("pump"); got.Load != "off" || got.Detail != "" {
			t.Errorf("report: got %+v, want off", got)
		}
	})
}

func TestPulseOrCycleWhoseBoardVanishedIsOver(t *testing.T) {
	for _, c := range []struct{ text, end, trace string }{
		{"pump pulse 1h", "off", "+call c1, -settle call c1"},
		{"pump cycle 1h", "on", "+call c1, -call c2, +settle call c2"},
	} {
		bubble(t, func(t *testing.T) {
			spec := pump
			spec.Longest = time.Hour
			r := newRig(t, Spec{Outputs: []OutputSpec{spec}})
			slow := r.makeSlow("pump")
			r.open().run()
			if c.end == "on" {
				r.do("pump on")
			}
			acted := r.send(c.text, Meta{})
			later(time.Minute)
			slow.set(func() { slow.gone = moved(false); slow.fail = func(int, bool) error { return slow.gone } })
			slow.news <- struct{}{}
			r.want(<-acted, Unknown, "ended by a lost line; the line is not there yet")
			later(time.Minute)
			slow.set(func() { slow.gone, slow.fail = nil, nil })
			slow.news <- struct{}{}
			synctest.Wait()
			wantTrace(t, slow.fakeLine, c.trace)
			later(2 * time.Hour)
			wantTrace(t, slow.fakeLine, c.trace)
			if got := r.reported("pump"); got.Load != c.end || got.Detail != "" {
				t.Errorf("report: got %+v, want %s", got, c.end)
			}
		})
	}
}

func TestUnknownLevelIsAskedForOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}})
		slow := r.makeSlow("pump")
		slow.known = false
		r.open().run()
		if got := r.reported("pump").Load; got != "unknown" {
			t.Errorf("load %s, want unknown", got)
		}
		r.want(r.do("pump read"), Unknown, "this line cannot be read")
		r.want(r.do("pump cycle 1s"), Done, "") // unknown is not off
		wantTrace(t, slow.fakeLine, "+call c2")
	})
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}})
		slow := r.makeSlow("pump")
		slow.known = false
		r.open().run()
		slow.set(func() { slow.known = true }) // it answers when it is asked
		r.want(r.do("pump cycle 1s"), Refused, "the load is off")
	})
}

func TestSlowLineIsToldAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{{Name: "pump", MinDwell: time.Hour}}})
		slow := r.makeSlow("pump")
		r.open().run()
		r.do("pump on")
		if ans := r.want(r.do("pump on"), Done, ""); len(ans.Edges) != 0 || slow.sets != 2 {
			t.Errorf("got %+v after %d sets, want it sent again without an edge", ans, slow.sets)
		}
	})
}

func TestPlainOnEndsTheLeaseOfASlowLine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}})
		slow := r.makeSlow("pump")
		r.open().run()
		r.do("pump on 10m")
		r.want(r.do("pump on"), Done, "")
		later(time.Hour)
		wantTrace(t, slow.fakeLine, "+call c1")
	})
}

func TestAnEndedActionDoesNotMoveFromTheQueue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}})
		slow := r.makeSlow("pump")
		slow.takes = 3 * time.Second // longer than the cycle: its edge back has to queue
		r.open().run()
		r.do("pump on")
		cycle := r.send("pump cycle 2s", Meta{})
		later(2500 * time.Millisecond)
		r.want(r.do("pump off"), Done, "")
		r.want(<-cycle, Failed, "ended by call c3")
		wantTrace(t, slow.fakeLine, "+call c1, -call c2")
	})
}
