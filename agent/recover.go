package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"longarm/agent/journal"
	"longarm/device"
)

// Facts that the agent keeps in the journal.
const (
	factEpoch   = "epoch"   // counts starts; upper half of the poll number
	factRunning = "running" // boot id while the agent runs, then also the reason of an orderly stop
	factStarved = "starved" // loop that starved the watchdog in this run
	factPower   = "power"   // "lost" from a power-fail until power is back
)

// nextEpoch makes the poll numbers of this run larger than those of any run
// before, so that a sign-off of the last run can't hold this one.
func (a *Agent) nextEpoch() (uint64, error) {
	old, _ := a.o.Journal.Get(factEpoch)
	n, err := strconv.ParseUint(old, 10, 31)
	if err != nil && old != "" {
		n = 0
	}
	n++
	return n << 32, a.o.Journal.Set(factEpoch, strconv.FormatUint(n, 10))
}

// Recover settles what the last run left half done and answers it in the
// journal: received means that nothing moved, started means unknown (design.md
// section 4). The answers stay owed until an agent reports them. Call it once,
// before anything else moves.
func Recover(ctx context.Context, box *device.Box, j *journal.Journal, last LastRun, bootID string, log *slog.Logger) {
	interrupted := j.Interrupted()
	box.Settle(ctx, unfinished(j, interrupted, last, bootID))
	for target := range j.Leases() {
		if err := j.LeaseClosed(target); err != nil {
			log.Warn("settled lease not marked closed", "target", target, "err", err)
		}
	}
	for _, e := range interrupted {
		if err := j.Finished(e.ID, result(afterCrash(e)).Append(nil)); err != nil {
			log.Error("answer of an interrupted call not journaled", "call", e.ID, "err", err)
		}
	}
	if n := len(interrupted); n > 0 {
		log.Warn("calls of the last run were interrupted and settled, nothing is repeated", "calls", n)
	}
}

func unfinished(j *journal.Journal, interrupted []journal.Entry, last LastRun, bootID string) []device.Unfinished {
	var out []device.Unfinished
	for _, e := range interrupted {
		if e.State == journal.StateStarted && e.Begun.Target != "" {
			out = append(out, device.Unfinished{Target: e.Begun.Target, Kind: e.Begun.Kind, Call: e.ID, SameBoot: e.Begun.BootID == bootID})
		}
	}
	for target, call := range j.Leases() {
		out = append(out, device.Unfinished{Target: target, Kind: device.KindLease, Call: call, SameBoot: last.SameBoot})
	}
	return out
}

func afterCrash(e journal.Entry) device.Answer {
	if e.State != journal.StateStarted {
		return failed("not started: the agent ended before it moved anything")
	}
	return unknown(device.Answer{Proof: "sent", Target: e.Begun.Target, Verb: e.Begun.Verb},
		"the agent ended while this ran: the output was settled, nothing is repeated, look before you click again")
}

// LastRun is how the last run ended, from the facts that it left.
type LastRun struct {
	Cause    string // "" at a first start
	SameBoot bool   // the kernel has not restarted since
}

// Last reads how the last run ended. Call it before MarkRunning.
func Last(j *journal.Journal, bootID string) LastRun {
	running, known := j.Get(factRunning)
	starved, _ := j.Get(factStarved)
	power, _ := j.Get(factPower)
	boot, reason, orderly := strings.Cut(running, stoppedMark)
	last := LastRun{SameBoot: boot == bootID}
	switch {
	case !known:
	case orderly:
		last.Cause = reason
	case power == "lost":
		last.Cause = "power lost"
	case !last.SameBoot:
		last.Cause = "box restarted without a word"
	case starved != "":
		last.Cause = "watchdog: " + starved
	default:
		last.Cause = "crash"
	}
	return last
}

// stoppedMark stands between boot id and reason after an orderly stop.
const stoppedMark = " stopped: "

// MarkRunning notes that the agent runs from here on.
func MarkRunning(j *journal.Journal, bootID string) error {
	return errors.Join(j.Set(factRunning, bootID), j.Set(factStarved, ""))
}

func (a *Agent) markStopped(reason string) {
	if err := a.o.Journal.Set(factRunning, a.o.BootID+stoppedMark+reason); err != nil {
		a.log.Warn("orderly stop not noted", "err", err)
	}
}

func (a *Agent) markPower(lost bool) {
	value := ""
	if lost {
		value = "lost"
	}
	if err := a.o.Journal.Set(factPower, value); err != nil {
		a.log.Warn("power mark not noted", "err", err)
	}
}

// starved notes the culprit before init ends us.
func (a *Agent) starved(loop string) {
	if err := a.o.Journal.Set(factStarved, loop); err != nil {
		a.log.Warn("watchdog culprit not noted", "err", err)
	}
}

// request asks init for what the agent itself has no right to do.
func (a *Agent) request(action string) error {
	if a.o.Request == nil {
		return fmt.Errorf("%s is not allowed on this box", action)
	}
	a.log.Warn("asking init", "action", action)
	return a.o.Request(action)
}
