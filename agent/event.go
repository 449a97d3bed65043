package agent

import (
	"slices"
	"sync"
	"time"

	"longarm/agent/journal"
	"longarm/device"
	"longarm/push"
	"longarm/push/jsontext"
)

// maxEvents bounds what the state report tells of the box's own calls.
const maxEvents = 16

// beforeRestart stands for the trigger of a call that an earlier run made.
const beforeRestart = "before the restart"

// event is the outcome of a call that the box made by itself. The journal owes
// it until a state report has told it.
type event struct {
	push.Event
	id   string
	at   time.Time // zero: before this start
	told bool
}

// eventList holds the newest events, oldest first. Safe for concurrent use.
type eventList struct {
	mu  sync.Mutex
	all []event
}

// add returns the ids that are given up untold.
func (l *eventList) add(e event) (lost []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, e)
	for len(l.all) > maxEvents {
		if !l.all[0].told {
			lost = append(lost, l.all[0].id)
		}
		l.all = slices.Delete(l.all, 0, 1)
	}
	return lost
}

// list is for the report; clock says that the wall clock is right.
func (l *eventList) list(clock bool) (all []push.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.all {
		if clock && !e.at.IsZero() {
			e.At = time.Now().Add(-time.Since(e.at)).UTC().Format(time.RFC3339) // set or not when it happened
		}
		all = append(all, e.Event)
	}
	return all
}

// untold are the ids that no report has told yet.
func (l *eventList) untold() (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.all {
		if !e.told {
			ids = append(ids, e.id)
		}
	}
	return ids
}

func (l *eventList) markTold(ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.all {
		l.all[i].told = l.all[i].told || slices.Contains(ids, l.all[i].id)
	}
}

// tell adds an event to the state report.
func (a *Agent) tell(e event) {
	a.reported(a.events.add(e))
	a.changed()
}

// reported notes in the journal that nobody waits for these calls any more.
func (a *Agent) reported(ids []string) {
	for _, id := range ids {
		if err := a.o.Journal.Reported(id); err != nil {
			a.log.Debug("own call not marked as told", "call", id, "err", err) // it is told again at the next start
		}
	}
}

// owned takes a finished call that no service waits for: one of the box's own
// is told by the state report, anything else is done with.
func (a *Agent) owned(e journal.Entry) {
	if !isTrigger(e.ID) {
		a.reported([]string{e.ID})
		return
	}
	ans, err := readAnswer(e.Result)
	if err != nil {
		a.log.Warn("stored result of an own call is unreadable", "call", e.ID, "err", err)
	}
	call := device.Command{Target: ans.Target, Verb: ans.Verb}
	a.tell(event{id: e.ID, Event: push.Event{Trigger: beforeRestart, Call: call.String(), State: ans.State, Detail: shortened(ans.Detail, maxMessage)}})
}

// readAnswer reads what the journal keeps of an answer, as far as it is told.
func readAnswer(stored []byte) (ans device.Answer, err error) {
	r, err := push.ParseResult("application/json", stored)
	if err != nil {
		return ans, err
	}
	members, err := jsontext.Members(r.Data)
	for _, m := range members {
		text, _ := jsontext.String(m.Value)
		switch m.Key {
		case "state":
			ans.State = text
		case "target":
			ans.Target = text
		case "verb":
			ans.Verb = text
		case "detail":
			ans.Detail = text
		}
	}
	return ans, err
}
