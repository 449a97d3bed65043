package board

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// job is one piece of work for the worker.
type job struct {
	op      func(*Board, *talk, *job)
	set     bool // before questions
	after   bool // a Set came before: without a wire its outcome is lost
	channel int
	active  bool
	width   time.Duration // of a Timed
	done    chan struct{}

	known bool
	proof string
	err   error
}

// do gives the worker a job and waits for its end. A channel has one job at a
// time, so the queues are as long as the board has channels.
func (b *Board) do(j *job) *job {
	p := b.port
	j.done = make(chan struct{})
	p.mu.Lock()
	q := b.queue(j.set)
	*q = append(*q, j)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default: // it looks at all queues when it wakes
	}
	timer := time.NewTimer(queueLimit)
	defer timer.Stop()
	err := errors.New("stopped")
	select {
	case <-j.done:
		return j
	case <-p.stopped:
	case <-timer.C:
		err = fmt.Errorf("no turn at the board within %s", queueLimit)
	}
	if p.withdraw(b, j) {
		j.err = b.fault(j.after, err)
		return j
	}
	<-j.done // it has its turn, which is bounded
	return j
}

func (b *Board) queue(set bool) *[]*job {
	if set {
		return &b.sets
	}
	return &b.asks
}

// withdraw takes back a job that nobody took yet.
func (p *Port) withdraw(b *Board, j *job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := b.queue(j.set)
	i := slices.Index(*q, j)
	if i < 0 {
		return false
	}
	*q = append((*q)[:i], (*q)[i+1:]...)
	return true
}

// take takes the next job: sets first, a question must not make an edge wait;
// among boards those first that did not have the last turn.
func (p *Port) take() (*Board, *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, set := range [...]bool{true, false} {
		for i := range p.boards {
			turn := (p.turn + 1 + i) % len(p.boards)
			b := p.boards[turn]
			if q := b.queue(set); len(*q) > 0 {
				j := (*q)[0]
				*q = (*q)[1:]
				p.turn = turn
				return b, j
			}
		}
	}
	return nil, nil
}

// abandon answers all that waits for a board that does not answer, so that its
// neighbours wait for it once and not once for each channel.
func (b *Board) abandon(err error) {
	b.port.mu.Lock()
	jobs := append(b.sets, b.asks...)
	b.sets, b.asks = nil, nil
	b.port.mu.Unlock()
	for _, j := range jobs {
		j.err = b.fault(j.after, err)
		close(j.done)
	}
}
