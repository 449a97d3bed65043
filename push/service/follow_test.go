package service

import (
	"testing"

	"longarm/push"
	"longarm/push/engine/memory"
)

// Two watches have no order: a state may come before the container that it is of.
func TestStateBeforeContainer(t *testing.T) {
	e := memory.New()
	other, err := New(e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := other.addContainer(t.Context(), registration{Object: push.Container{ID: "box", Name: "box"}})
	if err != nil {
		t.Fatal(err)
	}
	off := func(st *standing) bool { st.turn(stateSignedOff, "x"); return true }
	if err := other.stand(t.Context(), b, off); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		subject string
		took    tookFunc
	}{{stateSubject("box"), s.standingChanged}, {containerSubject("box"), s.containerChanged}} {
		d, err := e.Last(t.Context(), step.subject)
		if err != nil {
			t.Fatal(err)
		}
		if err := step.took(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.boxes.find("box").standing.State; got != stateSignedOff {
		t.Errorf("got %s, want signed-off", got)
	}
}
