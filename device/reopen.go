package device

import "time"

// seekEvery is how often a line is looked at whose hardware can be taken away:
// nobody tells when that happens.
const seekEvery = 10 * time.Second

// watch plans the next look at such a line; err is that of the last work.
func (o *output) watch(err error) {
	r := o.gate.reopener
	switch {
	case r == nil:
	case err == nil:
		if o.gone > 0 {
			o.box.o.Log.Info("output's hardware is back", "output", o.spec.Name)
		}
		o.gone = 0
		o.search.set(seekEvery)
	case r.Gone(err) && o.gone == 0:
		o.box.o.Log.Warn("output's hardware is gone, looking for it", "output", o.spec.Name, "err", err)
		o.gone = firstRetry
		o.search.set(o.gone)
	}
}

// seek looks at the line, or for it.
func (o *output) seek() {
	if o.gone == 0 {
		o.look()
		o.search.set(seekEvery)
		return
	}
	o.push(&order{op: opReopen, then: func(ord *order) {
		if ord.err != nil {
			o.gone = min(2*o.gone, lastRetry)
			o.search.set(o.gone)
			return
		}
		o.timing = false
		o.asked = false
		o.startGoal(false)
	}})
}
