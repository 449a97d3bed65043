package device

import (
	"context"
	"time"
)

// PowerFail with lost latches the box: running calls end `failed`, "power",
// new ones are refused unless they are towards safe, and every output goes to
// its power-fail level at once, in parallel, each on its own owner, so that a
// slow board delays no GPIO line. Under "hold" only what is unfinished is
// settled. It returns when all were tried once, or when ctx ends. Without lost
// it lifts the latch; nothing moves.
func (b *Box) PowerFail(ctx context.Context, lost bool) {
	b.start()
	for _, in := range b.inputs {
		in.latch(lost)
	}
	b.latchWholes(lost)
	err := b.each(ctx, func(o *output, reached func(error)) {
		o.latched = lost
		switch {
		case !lost:
			reached(nil)
		case o.powerFailHolds():
			o.settle("power-fail", "power", reached)
		default:
			o.force(o.spec.SafeActive(), "power-fail", "power", nil, reached)
		}
	})
	_ = b.stop(ctx) // an owner that hangs is in err already
	if err != nil {
		b.o.Log.Warn("outputs not at their power-fail level yet", "err", err)
	}
}

// powerFailHolds is the output's own policy, else that of the section, else safe.
func (o *output) powerFailHolds() bool {
	policy := o.spec.PowerFail
	if policy == "" && o.box.spec.PowerFail != nil {
		policy = o.box.spec.PowerFail.Outputs
	}
	return policy == "hold"
}

// Offline is told now and then how long the service has been away; 0 = it is
// there. Each output whose policy is over goes to safe, once for each absence,
// whatever runs. It returns when those were tried once, or when ctx ends.
func (b *Box) Offline(ctx context.Context, away time.Duration) {
	b.start()
	err := b.each(ctx, func(o *output, reached func(error)) {
		after := o.offlineAfter()
		switch {
		case after <= 0:
		case away < after:
			o.offline = false
		case !o.offline:
			o.offline = true
			b.grips.endOf(o.spec.Name, "ended by offline")
			o.force(o.spec.SafeActive(), "offline", "ended by offline", nil, reached)
			return
		}
		reached(nil)
	})
	_ = b.stop(ctx) // an owner that hangs is in err already
	if err != nil {
		b.o.Log.Warn("outputs not at safe yet while the service is away", "err", err)
	}
}

// offlineAfter is the output's own policy, else that of the section.
func (o *output) offlineAfter() time.Duration {
	if o.spec.Offline != 0 {
		return o.spec.Offline
	}
	return o.box.spec.OfflineSafeAfter
}
