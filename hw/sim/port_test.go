package sim

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestPortStandIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Machine
		p := m.Port([]byte("ok\r"))
		buf := make([]byte, 16)
		start := time.Now()
		if n, err := p.ReadUntil(buf, start.Add(time.Second)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("got %d, %v after %s, want nothing before it is spoken to", n, err, time.Since(start))
		}
		time.AfterFunc(time.Second, func() { _ = p.Write([]byte("hi")) })
		n, err := p.ReadUntil(buf, time.Now().Add(time.Hour))
		if string(buf[:n]) != "ok\r" || err != nil || time.Since(start) != 2*time.Second {
			t.Errorf("got %q, %v after %s", buf[:n], err, time.Since(start))
		}
		_ = p.Write([]byte("hi"))
		_ = p.Flush()
		if n, _ := p.ReadUntil(buf, time.Now()); n != 0 {
			t.Errorf("got %q after a flush", buf[:n])
		}
		mute := m.Port(nil)
		_ = mute.Write([]byte("hi"))
		if n, _ := mute.ReadUntil(buf, time.Now()); n != 0 {
			t.Errorf("a mute one said %q", buf[:n])
		}
	})
}
