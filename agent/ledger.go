package agent

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"longarm/agent/journal"
)

// Facts that the agent keeps in the journal.
const (
	factEpoch   = "epoch"   // counts starts; upper half of the poll number
	factRunning = "running" // boot id while the agent runs, then also the reason of an orderly stop
	factStarved = "starved" // loop that starved the watchdog in this run
	factPower   = "power"   // "lost" from a power-fail until power is back
	factCrashes = "crashes" // boot id, then when the last crashes were noticed, in ms of CLOCK_BOOTTIME
)

// A crash loop (design.md section 4): so many crashes or watchdog kills within
// so long start in safe mode, which ends after as long without one.
const (
	crashLoop   = 5
	crashWindow = 10 * time.Minute
)

// LastRun is how the last run ended, from the facts that it left.
type LastRun struct {
	Cause    string // "" at a first start
	SameBoot bool   // the kernel has not restarted since
	Crashed  bool   // by itself or by the watchdog
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
	case !last.SameBoot && power == "lost":
		last.Cause = "power lost"
	case !last.SameBoot:
		last.Cause = "box restarted without a word"
	case starved != "":
		last.Cause, last.Crashed = "watchdog: "+starved, true
	default:
		last.Cause, last.Crashed = "crash", true
	}
	return last
}

// stoppedMark stands between boot id and reason after an orderly stop.
const stoppedMark = " stopped: "

// MarkRunning notes that the agent runs from here on, and enters the last run
// into the ledger of crashes. boot is CLOCK_BOOTTIME. loop tells that this run
// must start in safe mode.
func MarkRunning(j *journal.Journal, last LastRun, bootID string, boot time.Duration) (loop bool, err error) {
	crashes := recentCrashes(j, bootID, boot)
	if last.Crashed {
		crashes = append(crashes, boot)
		crashes = crashes[max(0, len(crashes)-crashLoop):]
	}
	err = errors.Join(j.Set(factCrashes, crashText(bootID, crashes)),
		j.Set(factRunning, bootID), j.Set(factStarved, ""), j.Set(factPower, ""))
	return len(crashes) >= crashLoop, err
}

// recentCrashes are those of this boot within the window: another boot's have
// no time that could be compared, and whatever looped ended with it.
func recentCrashes(j *journal.Journal, bootID string, now time.Duration) []time.Duration {
	text, _ := j.Get(factCrashes)
	words := strings.Fields(text)
	if len(words) == 0 || words[0] != bootID {
		return nil
	}
	var recent []time.Duration
	for _, w := range words[1:] {
		ms, err := strconv.ParseInt(w, 10, 64)
		at := time.Duration(ms) * time.Millisecond
		if err == nil && at <= now && now-at < crashWindow {
			recent = append(recent, at)
		}
	}
	return recent
}

func crashText(bootID string, crashes []time.Duration) string {
	if len(crashes) == 0 {
		return ""
	}
	var text strings.Builder
	text.WriteString(bootID)
	for _, at := range crashes {
		text.WriteString(" " + strconv.FormatInt(at.Milliseconds(), 10))
	}
	return text.String()
}

// ForgetCrashes lets the next start be a normal one. For `resume` while no
// agent runs; a running one has [Agent.Resume].
func ForgetCrashes(j *journal.Journal) error { return j.Set(factCrashes, "") }

// MarkStopped notes an end in good order, with its reason.
func MarkStopped(j *journal.Journal, bootID, reason string) error {
	return j.Set(factRunning, stoppedText(bootID, reason))
}

func stoppedText(bootID, reason string) string { return bootID + stoppedMark + reason }

// Resume ends safe mode, if it is on.
func (a *Agent) Resume(why string) {
	if !a.safeMode.Swap(false) {
		return
	}
	a.log.Info("safe mode ends", "why", why)
	a.notes.Set(factCrashes, "")
	a.faults.set("safe-mode")
	a.changed()
}

// outliveCrashes ends safe mode once this run has lived long enough.
func (a *Agent) outliveCrashes(ctx context.Context) {
	timer := time.NewTimer(crashWindow)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
		a.Resume("10 min without a crash")
	}
}

func (a *Agent) markPower(lost bool) {
	value := ""
	if lost {
		value = "lost"
	}
	a.notes.Set(factPower, value)
}

// starved notes the culprit before init ends us; "" takes it back.
func (a *Agent) starved(loop string) { a.notes.Set(factStarved, loop) }
