package agent

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"longarm/agent/journal"
	"longarm/device"
)

// settleLimit bounds the settling at a start: a board that hangs must not keep
// the box from polling. Run tries on.
const settleLimit = 5 * time.Second

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

// Unsettled is what Recover could not settle yet: the journal keeps it open,
// so that the next start tries again.
type Unsettled struct {
	calls  []journal.Entry
	remote []journal.Entry   // calls to other containers: nothing to settle, the agent goes on with them
	leases map[string]string // target → call
}

// Recover settles what the last run left half done and answers it in the
// journal: received means that nothing moved, started means unknown (design.md
// section 4). The answers stay owed until an agent reports them. Call it once,
// before anything else moves. The end of ctx does not cut it short: a relay
// must not stay active because a stop came early.
func Recover(ctx context.Context, box *device.Box, j *journal.Journal, last LastRun, bootID string, log *slog.Logger) Unsettled {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleLimit)
	defer cancel()
	interrupted, leases := j.Interrupted(), j.Leases()
	box.Settle(ctx, unfinished(interrupted, leases, last, bootID))
	open := Unsettled{leases: leases}
	for _, e := range interrupted {
		if isRemote(e) {
			open.remote = append(open.remote, e)
			continue
		}
		if !allSettled(box, e, bootID) {
			open.calls = append(open.calls, e)
			continue
		}
		closeCall(j, e, bootID, log)
	}
	open.closeLeases(box, j, last.SameBoot, log)
	if n := len(interrupted) - len(open.remote); n > 0 {
		log.Warn("calls of the last run were interrupted, nothing is repeated", "calls", n, "not_settled_yet", len(open.calls))
	}
	return open
}

// closeCall writes the answer of an interrupted call. One that came from this
// box's own command line has nobody who waits for it; one that the box made by
// itself is told by the state report.
func closeCall(j *journal.Journal, e journal.Entry, bootID string, log *slog.Logger) {
	err := j.Finished(e.ID, result(afterCrash(e, bootID)).Append(nil))
	if err == nil && e.Container == "" && !isTrigger(e.ID) {
		err = j.Reported(e.ID)
	}
	if err != nil {
		log.Error("answer of an interrupted call not journaled", "call", e.ID, "err", err)
	}
}

// closeLeases closes the leases that are settled.
func (u *Unsettled) closeLeases(box *device.Box, j *journal.Journal, sameBoot bool, log *slog.Logger) {
	for target, call := range u.leases {
		if !settled(box, target, sameBoot) {
			continue
		}
		delete(u.leases, target)
		if j.Leases()[target] != call {
			continue // a newer one
		}
		if err := j.LeaseClosed(target); err != nil {
			log.Warn("settled lease not marked closed", "target", target, "err", err)
		}
	}
}

// followUp closes what has been settled since.
func (u *Unsettled) followUp(box *device.Box, j *journal.Journal, bootID string, log *slog.Logger) {
	var still []journal.Entry
	for _, e := range u.calls {
		if !allSettled(box, e, bootID) {
			still = append(still, e)
			continue
		}
		closeCall(j, e, bootID, log)
	}
	u.calls = still
	u.closeLeases(box, j, true, log)
}

// settled tells whether a target is where the settling wanted it: it works,
// and nothing is wrong or going on. A target that the config does not have at
// present may come back within the boot; after a reboot it is over.
func settled(box *device.Box, target string, sameBoot bool) bool {
	for _, t := range box.Report() {
		if t.Name == target {
			return t.Detail == ""
		}
	}
	return !sameBoot
}

// allSettled tells whether every target that the call may have left half done
// is settled.
func allSettled(box *device.Box, e journal.Entry, bootID string) bool {
	for _, b := range moving(e) {
		if !settled(box, b.Target, b.BootID == bootID) {
			return false
		}
	}
	return true
}

// moving are the targets that an interrupted call may have left half done.
func moving(e journal.Entry) (left []journal.Begun) {
	for _, b := range e.Begun {
		if b.Kind == device.KindPulse || b.Kind == device.KindCycle {
			left = append(left, b)
		}
	}
	return left
}

func unfinished(interrupted []journal.Entry, leases map[string]string, last LastRun, bootID string) []device.Unfinished {
	var out []device.Unfinished
	for _, e := range interrupted {
		for _, b := range moving(e) {
			out = append(out, device.Unfinished{Target: b.Target, Kind: b.Kind, Call: e.ID, SameBoot: b.BootID == bootID})
		}
	}
	for target, call := range leases {
		out = append(out, device.Unfinished{Target: target, Kind: device.KindLease, Call: call, SameBoot: last.SameBoot})
	}
	return out
}

func afterCrash(e journal.Entry, bootID string) device.Answer {
	if e.State != journal.StateStarted {
		return named(failed("not started: the agent ended before it moved anything"), e.Data)
	}
	ans := named(device.Answer{Proof: "sent"}, e.Data) // a group's own name, not that of its first member
	if ans.Target == "" && len(e.Begun) > 0 {
		ans.Target, ans.Verb = e.Begun[0].Target, e.Begun[0].Verb
	}
	if len(e.Begun) > 0 && e.Begun[0].Target == selfTarget && e.Begun[0].BootID != bootID {
		ans.State, ans.Load, ans.Detail = device.Done, string(device.LoadUnknown), "the box has restarted"
		return ans
	}
	return unknown(ans, "the agent ended while this ran: what it left half done was settled, nothing is repeated, look before you click again")
}

// request asks init for what the agent itself has no right to do.
func (a *Agent) request(action string) error {
	if a.o.Request == nil {
		return fmt.Errorf("%s is not allowed on this box", action)
	}
	a.log.Warn("asking init", "action", action)
	if err := a.o.Request(action); err != nil {
		return err
	}
	a.asked.Store(&action)
	return nil
}
