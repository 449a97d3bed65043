package board

import (
	"testing"

	"longarm/device/board/boardsim"
)

// An echo that came as noise is no answer of a board that sends none: taken for
// one it would read as a no, and a no says that nothing moved.
func TestNumatoNoiseForAnEchoIsNoRefusal(t *testing.T) {
	bench(t, []Spec{{Driver: "numato", Channels: 4}}, func(r *rig) {
		c := r.channel(0, 4)
		_, _, _, _ = c.Read() // greeted
		r.quirk(0, func(q *boardsim.Quirks) { q.Noise = 1 })
		proof, err := c.Set(true, "")
		wantProof(t, "set", proof, err, Acked)
	})
}
