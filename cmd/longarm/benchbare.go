package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"longarm/hw/clock"
	"longarm/push"
)

// roleBare is a child that reads bytes from a plain TCP connection and prints
// when. It shows what the machine takes for the way from process to process,
// without TLS, HTTP and decoding: the floor under our figures. Its word is the
// address.
const roleBare = "bare"

func readBare(ctx context.Context, c command, words []string) error {
	if len(words) != 1 {
		return errors.New("want an address")
	}
	var dial net.Dialer
	conn, err := dial.DialContext(ctx, "tcp", words[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends Read
	defer stop()
	for b := make([]byte, 4<<10); ; {
		_, err := conn.Read(b)
		at := clock.Monotonic()
		if err != nil {
			return err
		}
		fmt.Fprintln(c.stdout, at.Nanoseconds())
	}
}

// bare is the service's side of that child.
type bare struct {
	*player
	conn  net.Conn
	bytes []byte // as many as a reply with a call has
	times []time.Duration
}

func (b *benchmark) startBare(ctx context.Context) (*bare, error) {
	var listen net.ListenConfig
	socket, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	defer socket.Close()
	k := &bare{bytes: wholeReply(benchCall(push.NewID(), "router on").AppendReply(nil))}
	if k.player, err = b.role(ctx, roleBare, nil, socket.Addr().String()); err != nil {
		return nil, err
	}
	if k.conn, err = socket.Accept(); err != nil {
		k.stop()
		return nil, fmt.Errorf("meet the bare reader: %w", err)
	}
	return k, nil
}

func (k *bare) close() {
	_ = k.conn.Close()
	k.stop()
}

// round sends the bytes once.
func (k *bare) round(ctx context.Context, counts bool) error {
	if err := rest(ctx, apart); err != nil {
		return err
	}
	sent := clock.Monotonic()
	if _, err := k.conn.Write(k.bytes); err != nil {
		return fmt.Errorf("write to the bare reader: %w", err)
	}
	line, err := k.line(ctx, benchPatience)
	if err != nil {
		return err
	}
	at, _, err := stamp(line)
	if counts && err == nil {
		k.times = append(k.times, at-sent)
	}
	return err
}
