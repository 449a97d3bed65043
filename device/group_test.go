package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// rack is a running box with the group rack over the outputs pump, siren, router.
func rack(t *testing.T, delay time.Duration) *rig {
	r := newRig(t, Spec{
		Outputs: []OutputSpec{pump, siren, router},
		Groups:  []GroupSpec{{Name: "rack", Members: []string{"pump", "siren", "router"}, Delay: delay}},
	})
	return r.open().run()
}

// now is a moment after whatever happened before.
func now() time.Time {
	later(time.Second)
	return time.Now()
}

// moves lists the loads of all lines in the order of time: "0s -pump".
func (r *rig) moves(since time.Time) string {
	type move struct {
		at   time.Time
		text string
	}
	var all []move
	for _, s := range r.box.spec.Outputs {
		line := r.lines[s.Name]
		line.set(func() {
			for _, e := range line.edges {
				if !e.at.Before(since) {
					sign := map[Load]string{LoadOn: "+", LoadOff: "-"}[s.LoadFor(e.active)]
					all = append(all, move{e.at, fmt.Sprintf("%s %s%s", e.at.Sub(since), sign, s.Name)})
				}
			}
		})
	}
	slices.SortStableFunc(all, func(a, b move) int { return a.at.Compare(b.at) })
	var texts []string
	for _, m := range all {
		texts = append(texts, m.text)
	}
	return strings.Join(texts, ", ")
}

func (r *rig) wantMoves(since time.Time, want string) {
	r.t.Helper()
	if got := r.moves(since); got != want {
		r.t.Errorf("moves:\n got %s\nwant %s", got, want)
	}
}

// A cycle takes all off at once and brings them back one by one; on goes one by
// one, past what is on already; off is at once (hardware.md 2.7).
func TestGroupStaggers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := rack(t, 2*time.Second)
		start := now()
		ans := r.want(r.do("rack on"), Done, "")
		r.wantMoves(start, "0s +pump, 2s +siren") // router is on
		if ans.Load != "on" || ans.TookMS != 2000 || ans.Proof != "readback" || len(ans.Edges) != 2 || ans.Edges[1].AtMS != 2000 {
			t.Errorf("on: got %+v", ans)
		}
		start = now()
		ans = r.want(r.do("rack cycle 5s"), Done, "")
		r.wantMoves(start, "0s -pump, 0s -siren, 0s -router, 5s +pump, 7s +siren, 9s +router")
		at := []int64{}
		for _, e := range ans.Edges {
			at = append(at, e.AtMS)
		}
		if ans.Load != "on" || ans.TookMS != 9000 || fmt.Sprint(at) != "[0 0 0 5000 7000 9000]" {
			t.Errorf("cycle: got %+v", ans)
		}
		start = now()
		ans = r.want(r.do("rack off"), Done, "")
		r.wantMoves(start, "0s -pump, 0s -siren, 0s -router")
		if ans.Load != "off" || ans.Target != "rack" || ans.Verb != "off" {
			t.Errorf("off: got %+v", ans)
		}
		start = now()
		r.want(r.do("rack off"), Done, "")
		r.want(r.do("rack on"), Done, "")
		r.wantMoves(start, "0s +pump, 2s +siren, 4s +router")
	})
}

func TestGroupCycleLooksAtEachMembersLongest(t *testing.T) {
	spec := Spec{
		Outputs: []OutputSpec{{Name: "a", Longest: 12 * time.Second}, {Name: "b", Longest: 11 * time.Second}},
		Groups:  []GroupSpec{{Name: "rack", Members: []string{"a", "b"}, Delay: 4 * time.Second}},
	}
	for args, want := range map[string]string{
		"":     "[a cycle 7s b cycle 11s]", // shortened: b may be off for 11s
		"5s":   "[a cycle 5s b cycle 9s]",
		"8s":   "cycle of rack \"8s\" is too long: want 1ms to 7s, such as 500ms, 10s or 5m (longest of b, less the delays before it)",
		"5s 6": "cycle of rack takes one duration",
		"soon": "cycle of rack \"soon\" is not a duration",
	} {
		c := Command{"rack", "cycle", strings.Fields(args)}
		var told []Command
		for _, p := range New(spec, nil, Options{}).wholes[0].(*group).plan(c) {
			told = append(told, p.told)
		}
		got := fmt.Sprint(told)
		if err := spec.Check(c); err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("cycle %s: got %s, want %s", args, got, want)
		}
	}
	spec.Groups[0].Delay = time.Minute
	if err := spec.Check(Command{Target: "rack", Verb: "cycle"}); err == nil || !strings.Contains(err.Error(), "b would be off for longer") {
		t.Errorf("a delay beyond longest: got %v", err)
	}
	for _, text := range []string{"rack pulse", "rack toggle", "rack on 10m", "rack read now", "rack off 5s"} {
		c, _ := ParseCommand(text)
		if err := spec.Check(c); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

// A member that fails does not keep the others off.
func TestGroupMemberThatFailsKeepsNobodyOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := rack(t, time.Second)
		r.do("rack on")
		r.lines["siren"].set(func() { r.lines["siren"].fail = failing(errFake, 2, 2) }) // the first edge
		start := now()
		ans := r.want(r.do("rack cycle 5s"), Failed, "siren failed: the line did not move: fake trouble")
		r.wantMoves(start, "0s -pump, 0s -router, 5s +pump, 7s +router")
		if ans.Load != "on" || len(ans.Edges) != 4 {
			t.Errorf("got %+v", ans)
		}
		r.lines["pump"].set(func() { r.lines["pump"].fail = failing(errFake, 5, 6) }) // the edge back
		start = now()
		r.want(r.do("rack cycle 5s"), Failed, "pump failed: the edge back failed, trying until it succeeds: fake trouble")
		later(time.Minute)
		r.wantMoves(start, "0s -pump, 0s -siren, 0s -router, 5.3s +pump, 6s +siren, 7s +router")
	})
}

// Each member's own limits hold; the rest moves, and the answer names both.
func TestGroupHoldsEachMembersLimits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := rack(t, time.Second)
		r.want(r.do("rack cycle"), Failed, "pump refused: the load is off, so there is nothing to cycle: say on; siren refused: the load is off")
		pulse := r.send("siren pulse 20s", Meta{})
		synctest.Wait()
		start := now()
		ans := r.want(r.do("rack on"), Failed, "siren refused: busy: pulse of call c2")
		r.wantMoves(start, "0s +pump")
		if ans.Load != "on" { // the pulse has it on
			t.Errorf("got %+v", ans)
		}
		<-pulse
		r.want(r.do("siren on"), Done, "")
		r.box.PowerFail(t.Context(), true)
		r.want(r.do("rack cycle"), Refused, "pump refused: power: the supply has failed")
	})
}

func TestWorstOfAGroup(t *testing.T) {
	for states, want := range map[string]string{
		"done done": Done, "done refused": Failed, "refused refused": Refused, "expired refused": Expired, "expired done": Failed,
		"failed unknown": Unknown, "done unknown": Unknown, "failed done": Failed, "failed refused": Failed, "refused unknown": Unknown,
	} {
		var parts []*part
		for s := range strings.FieldsSeq(states) {
			parts = append(parts, &part{ans: Answer{State: s}})
		}
		if got := worst(parts); got != want {
			t.Errorf("%s: got %s, want %s", states, got, want)
		}
	}
}

// A move towards safe, of the group or of a member, is never refused and ends
// what the group still had to do; what waits stays as it is.
func TestMoveTowardsSafeEndsARunningGroup(t *testing.T) {
	for safe, want := range map[string]string{
		"rack off":  "0s +pump, 5s +siren, 7s -pump, 7s -siren", // router was off
		"pump off":  "0s +pump, 5s +siren, 7s -pump",
		"siren off": "0s +pump, 5s +siren, 7s -siren",
	} {
		bubble(t, func(t *testing.T) {
			r := rack(t, 5*time.Second)
			r.do("router off")
			start := now()
			on := r.send("rack on", Meta{}) // c2
			later(7 * time.Second)
			if s := r.reported("rack"); s.Detail != "on of call c2" || s.Kind != "group" {
				t.Errorf("report: got %+v", s)
			}
			r.want(r.do("pump cycle"), Refused, "busy: on of call c2 to rack")
			r.want(r.do("rack cycle"), Refused, "pump refused: busy: on of call c2 to rack; siren refused: busy")
			r.want(r.do(safe), Done, "") // c5
			r.want(<-on, Failed, "ended by call c5, left as it is: router")
			later(time.Minute)
			r.wantMoves(start, want)
			if s := r.reported("rack"); s.Load == "unknown" && s.Detail == "" {
				t.Errorf("report: got %+v, want the members", s)
			}
			r.want(r.do("pump pulse 1s"), Done, "")
		})
	}
}

// A cycle's members come back whatever happens to one of them.
func TestMoveTowardsSafeOfOneMemberOfACycle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := rack(t, time.Second)
		r.do("rack on")
		start := now()
		cycle := r.send("rack cycle 10s", Meta{})
		later(5 * time.Second)
		r.want(r.do("pump off"), Done, "")
		r.want(r.do("router on"), Done, "")
		r.want(<-cycle, Failed, "pump failed: ended by call c3; router failed: ended by call c4")
		r.wantMoves(start, "0s -pump, 0s -siren, 0s -router, 5s +router, 11s +siren")
	})
}

// Nothing of a group goes on after a power-fail, a stop, safe, or the offline
// policy of a member.
func TestWhatEndsAGroup(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(r *rig)
		detail string
	}{
		"power":   {func(r *rig) { r.box.PowerFail(r.t.Context(), true); r.box.PowerFail(r.t.Context(), false) }, "power, left as it is: siren"},
		"stop":    {func(r *rig) { _ = r.stop() }, "ended by stop, left as it is: siren"},
		"safe":    {func(r *rig) { _ = r.box.Safe(r.t.Context()) }, "ended by safe, left as it is: siren"},
		"offline": {func(r *rig) { r.box.Offline(r.t.Context(), time.Hour) }, "ended by offline, left as it is: siren"},
	} {
		bubble(t, func(t *testing.T) {
			p := pump
			p.Offline = time.Minute
			r := newRig(t, Spec{Outputs: []OutputSpec{p, siren}, Groups: []GroupSpec{{Name: "rack", Members: []string{"pump", "siren"}, Delay: time.Minute}}}).open().run()
			on := r.send("rack on", Meta{})
			later(time.Second)
			test.end(r)
			later(time.Hour)
			select {
			case ans := <-on:
				r.want(ans, Failed, test.detail)
			default:
				t.Fatalf("%s: no answer", name)
			}
			wantTrace(t, r.lines["siren"], "")
		})
	}
}

// The journal knows of each member before it moves, and its word counts for
// that member; the life of the call counts for the first move.
func TestGroupBeginsEachMember(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := rack(t, time.Second)
		r.do("siren on")
		r.do("pump on")
		var mu sync.Mutex
		var begun []string
		start := now()
		ans := <-r.send("rack cycle 5s", Meta{Begin: func(_ context.Context, a Action) error {
			mu.Lock()
			defer mu.Unlock()
			begun = append(begun, fmt.Sprintf("%s %s %s", a.Target, a.Kind, a.Width))
			if a.Target == "siren" {
				return errors.New("no room on the disk")
			}
			return nil
		}})
		r.want(ans, Failed, "siren refused: no room on the disk")
		slices.Sort(begun)
		if got := strings.Join(begun, ", "); got != "pump cycle 5s, router cycle 7s, siren cycle 6s" {
			t.Errorf("begun: %s", got)
		}
		r.wantMoves(start, "0s -pump, 0s -router, 5s +pump, 7s +router")
	})
	bubble(t, func(t *testing.T) {
		r := rack(t, time.Minute)
		r.do("router off")
		start := now()
		aged := func() error {
			if time.Since(start) >= 30*time.Second {
				return errors.New("expired")
			}
			return nil
		}
		r.want(<-r.send("rack on", Meta{Fresh: aged}), Done, "")
		r.wantMoves(start, "0s +pump, 1m0s +siren, 2m0s +router")
		r.do("rack off")
		r.want(<-r.send("rack on", Meta{Fresh: aged}), Expired, "pump expired: expired")
	})
}

func TestGroupRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := rack(t, time.Second)
		ans := r.want(r.do("rack read"), Done, "pump off, siren off, router on")
		if ans.Load != "unknown" || ans.Proof != "readback" {
			t.Errorf("got %+v", ans)
		}
		r.do("router off")
		if ans := r.do("rack read"); ans.Load != "off" {
			t.Errorf("got %+v, want off", ans)
		}
	})
}

func TestGroupWithoutAMemberIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}, Groups: []GroupSpec{{Name: "rack", Members: []string{"pump", "gone"}}}}).open().run()
		for _, verb := range []string{"on", "cycle", "read"} {
			r.want(r.do("rack "+verb), Refused, "not usable: its member gone is not served")
		}
		if s := r.reported("rack"); s.Detail != "not usable: its member gone is not served" {
			t.Errorf("report: %+v", s)
		}
		wantTrace(t, r.lines["pump"], "")
	})
}
