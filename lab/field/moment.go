package field

import "time"

// DoInTime makes a call to the agent of a Counted guest whose time has run ahead: it puts
// the brake on when the agent polls. One that is late, and finds the agent in a pause of
// its back-off, which now is as long as anybody's, moves nothing; it is made once more.
func (b *Box) DoInTime(brake *Brake, data string) (call Call) {
	b.t.Helper()
	for range 12 {
		before := b.Service.Look(b.t, b.Container.ID).LastSeen
		brake.Off()
		Until(b.t, "the box polls", 2*time.Minute, func() bool { return b.Service.Look(b.t, b.Container.ID).LastSeen != before })
		brake.On()
		const life = 10 * time.Second
		sent, err := b.Service.SendFor(b.t, b.Container.ID, data, life)
		if err != nil {
			b.t.Fatal(err)
		}
		call = b.Service.Follow(b.t, sent.MessageID, 2*life)
		if call.State != "expired" {
			break
		}
	}
	return call
}
