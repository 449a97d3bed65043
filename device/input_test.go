package device

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func door(t *testing.T) (*rig, *fakeInput) {
	r := newRig(t, Spec{Inputs: []InputSpec{{Name: "door"}}}).open().run()
	return r, r.inputs["door"]
}

func TestReadOfAnInput(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, in := door(t)
		in.move(true)
		ans := r.want(r.do("door read"), Done, "")
		if !ans.Active || ans.Load != "on" || ans.Proof != "readback" || ans.Edges == nil {
			t.Errorf("got %+v, want it on, read back", ans)
		}
		in.mu.Lock()
		in.active = false // the edge was lost: the level is the truth
		in.mu.Unlock()
		if ans := r.do("door read"); ans.Active {
			t.Errorf("got %+v, want the level at the line", ans)
		}
		in.mu.Lock()
		in.err = errFake
		in.mu.Unlock()
		r.want(r.do("door read"), Failed, "the line could not be read: fake trouble")
	})
}

func TestWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, in := door(t)
		r.want(r.do("door wait off 30s"), Done, "")
		on := r.send("door wait on 30s", Meta{})
		later(3 * time.Second)
		in.move(true)
		if ans := r.want(<-on, Done, ""); ans.TookMS != 3000 || !ans.Active {
			t.Errorf("got %+v, want it on after 3 s", ans)
		}
		if ans := r.want(r.do("door wait off 30s"), Failed, "not off within 30s"); ans.TookMS != 30000 {
			t.Errorf("got %+v, want it to wait 30 s", ans)
		}
	})
}

func TestWaitIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := door(t)
		r.want(r.do("door wait on 301s"), Refused, `wait of door "301s" is too long: want 1ms to 5m`)
		for _, text := range []string{"door wait", "door wait on", "door wait up 5s", "door wait on 5s 5s"} {
			r.want(r.do(text), Refused, "wait of door: want wait on LIMIT or wait off LIMIT, such as wait on 30s, at most 5m")
		}
	})
}

func TestWaitEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := door(t)
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan Answer, 1)
		go func() { answer <- r.box.Do(ctx, r.command("door wait on 5m"), Meta{}) }()
		synctest.Wait()
		cancel()
		r.want(<-answer, Failed, "ended: ")

		wait := r.send("door wait on 5m", Meta{})
		synctest.Wait()
		r.box.PowerFail(t.Context(), true)
		r.want(<-wait, Failed, "power")
		r.want(r.do("door wait on 5m"), Refused, "power: ")
		r.box.PowerFail(t.Context(), false)

		wait = r.send("door wait on 5m", Meta{})
		synctest.Wait()
		_ = r.stop()
		r.want(<-wait, Failed, "ended by stop")
	})
}

// A read that an edge overtakes must not put the old level back.
func TestStaleReadLosesAgainstAnEdge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, in := door(t)
		r.box.inputs[0].level = overtaken{in}
		if ans := r.do("door read"); !ans.Active {
			t.Errorf("got %+v, want the level of the edge", ans)
		}
	})
}

// overtaken reads the level, then an edge comes before it can say so.
type overtaken struct{ in *fakeInput }

func (o overtaken) Active() (bool, error) {
	old := o.in.active
	o.in.move(!old)
	return old, nil
}
