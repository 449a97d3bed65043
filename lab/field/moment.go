package field

import "time"

// SendInTime makes a call to the agent of a Counted guest whose time has run ahead: it puts
// the brake on when the agent polls. A call that is late, and finds the agent in a pause of
// its back-off, which now is as long as anybody's, moves nothing; it is made once more. It
// gives the first call that the agent has fetched.
func (b *Box) SendInTime(brake *Brake, data string) (call Call) {
	b.t.Helper()
	const life = 10 * time.Second
	for range 12 {
		before := b.Service.Look(b.t, b.Container.ID).LastSeen
		brake.Off()
		Until(b.t, "the box polls", 2*time.Minute, func() bool { return b.Service.Look(b.t, b.Container.ID).LastSeen != before })
		brake.On()
		sent, err := b.Service.SendFor(b.t, b.Container.ID, data, life)
		if err != nil {
			b.t.Fatal(err)
		}
		Until(b.t, "the call is fetched or expires", 2*life, func() bool {
			call = b.Service.Follow(b.t, sent.MessageID, 0)
			return call.State != "queued"
		})
		if call.State != "expired" {
			return call
		}
	}
	b.t.Fatalf("%s: the agent fetches no call: %+v", data, call)
	return call
}

// DoInTime is Do for such a guest.
func (b *Box) DoInTime(brake *Brake, data string) Call {
	b.t.Helper()
	return b.Service.Follow(b.t, b.SendInTime(brake, data).MessageID, 20*time.Second)
}
