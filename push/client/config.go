package client

import (
	"context"
	"log/slog"
	"net"
	"time"
)

// Config says which service a device uses and how it proves who it is. It is
// plain values; [New] checks them and reads the files.
type Config struct {
	// URLs are https://host[:port][/prefix], at least one, tried in turn.
	URLs []string
	// Container is the container's id; or ContainerFile holds it.
	Container, ContainerFile string
	// KeyFile holds the key in one line. Nobody else should be able to read it.
	KeyFile string
	// Auth is how the key travels: "header", also for "", or "query".
	Auth string
	// CAFile is a PEM file of roots that are trusted instead of the system's.
	CAFile string
	// Pins are "sha256/" and the base64 of the SHA-256 of a public key (the
	// SubjectPublicKeyInfo) that the service's own certificate may have, one
	// of them at least. Without CAFile they replace chain, name and expiry;
	// with CAFile both must hold.
	Pins []string
	// ClientCert and ClientKey are PEM files; both or none.
	ClientCert, ClientKey string
	// TLSMin is the oldest TLS version: "1.3", also for "", or "1.2".
	TLSMin string
	// KeyExchange is "", which offers a post-quantum group first, or "classic"
	// for links that choke on its larger first packet.
	KeyExchange string
}

// Options are what the client is given by the program around it. The zero
// value works.
type Options struct {
	// Log gets warnings about the files; nil is silent. Nothing is logged by
	// polls, calls or the sign-off.
	Log *slog.Logger
	// Instance is sent as x-longarm-instance; "" sends none.
	Instance string
	// Version is the User-Agent; "" is "longarm-agent".
	Version string
	// Dial opens a connection; nil is TCP with the keep-alive of design
	// section 4. The client puts TLS on top.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Now is the wall clock that certificates are checked at, already raised
	// to the caller's floor; nil is time.Now. Besides, a Retry-After date is
	// compared with it if the reply has no Date. All timing is monotonic.
	Now func() time.Time
	// GoodTime is told the Date of each authenticated reply that is not later
	// than the end of the service's certificate. It is called on the caller's
	// goroutine and must not block. nil ignores it.
	GoodTime func(t time.Time)
	// SignOffWritten, for measuring, is called when the bytes of a sign-off
	// have been handed to the kernel. nil ignores it.
	SignOffWritten func()
}
