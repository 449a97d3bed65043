package client

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
)

// maxFile is the longest key or container file, in bytes.
const maxFile = 4 << 10

// loader reads what a Config names and gathers every fault.
type loader struct {
	cfg    Config
	log    *slog.Logger
	faults []error
}

func (l *loader) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Errorf(format, args...))
}

// endpoints reads the URLs. A URL is named by its number, for it may hold what
// should not be printed.
func (l *loader) endpoints() []*endpoint {
	if len(l.cfg.URLs) == 0 {
		l.fault("url: want https://host[:port][/prefix], got none")
	}
	var all []*endpoint
	for i, text := range l.cfg.URLs {
		u, err := url.Parse(text)
		if err != nil {
			l.fault("url %d: want https://host[:port][/prefix], got something that is no URL", i+1)
			continue
		}
		if fault := urlFault(u); fault != "" {
			l.fault("url %d: want https://host[:port][/prefix], %s", i+1, fault)
			continue
		}
		all = append(all, newEndpoint(u))
	}
	return all
}

func urlFault(u *url.URL) string {
	switch {
	case u.Scheme != "https":
		return fmt.Sprintf("got the scheme %q; there is no way without TLS", u.Scheme)
	case u.Opaque != "" || u.Hostname() == "":
		return "got no host"
	case u.User != nil:
		return "got a user name or password before the host; the key belongs into key_file"
	case u.RawQuery != "" || u.ForceQuery:
		return "got a query; the key belongs into key_file, with auth = \"query\" if the service wants it there"
	case u.Fragment != "" || strings.HasSuffix(u.String(), "#"):
		return "got a fragment (#…)"
	case !visible(u.Host):
		return "got a host with other than ASCII letters; write its xn-- form"
	}
	return ""
}

func newEndpoint(u *url.URL) *endpoint {
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return &endpoint{
		host:   u.Host,
		name:   u.Hostname(),
		addr:   net.JoinHostPort(u.Hostname(), port),
		prefix: strings.TrimRight(u.EscapedPath(), "/"),
	}
}

// container gives the container's id.
func (l *loader) container() string {
	id, from := l.cfg.Container, "container"
	if l.cfg.ContainerFile != "" {
		if id != "" {
			l.fault("container and container_file: want one of them, got both")
		}
		from = "container_file " + l.cfg.ContainerFile
		text, _, err := readSmall(l.cfg.ContainerFile)
		if err != nil {
			l.fault("container_file: %w", err)
			return ""
		}
		id = strings.TrimSpace(text)
	}
	switch {
	case id == "":
		l.fault("%s: want the container's id, got nothing", from)
	case !visible(id) || len(id) > 256:
		l.fault("%s: want the container's id, got spaces, control characters or more than 256 characters", from)
	}
	return id
}

// key reads the key file. No error here holds any of its content.
func (l *loader) key() string {
	path := l.cfg.KeyFile
	if path == "" {
		l.fault("key_file: want the path of a file that holds the key, got nothing")
		return ""
	}
	text, mode, err := readSmall(path)
	if err != nil {
		l.fault("key_file: %w", err)
		return ""
	}
	if mode.Perm()&0o007 != 0 {
		l.log.Warn("key file is open to every user: chmod o= it", "file", path, "mode", mode.Perm().String())
	}
	key := strings.TrimRight(text, "\r\n")
	switch {
	case key == "":
		l.fault("key_file %s: want the key in one line, got an empty file", path)
	case !visible(key):
		l.fault("key_file %s: want the key in one line of printable ASCII, got spaces, control characters or several lines", path)
	}
	return key
}

// readSmall reads a small regular file.
func readSmall(path string) (string, os.FileMode, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", 0, err
	}
	if len(b) > maxFile {
		return "", 0, fmt.Errorf("%s is longer than %d KiB", path, maxFile>>10)
	}
	return string(b), info.Mode(), nil
}

// visible reports whether s is printable ASCII without spaces, and so can
// stand in a header or an id.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// auth reports whether the key travels in the query.
func (l *loader) auth() (query bool) {
	switch l.cfg.Auth {
	case "", "header":
	case "query":
		return true
	default:
		l.fault("auth: want header or query, got %q", l.cfg.Auth)
	}
	return false
}

// tls builds what all endpoints share; the server's name comes later.
func (l *loader) tls() *tls.Config {
	c := &tls.Config{
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(4),
	}
	switch l.cfg.TLSMin {
	case "", "1.3":
	case "1.2":
		c.MinVersion = tls.VersionTLS12
	default:
		l.fault("tls_min: want 1.3 or 1.2, got %q", l.cfg.TLSMin)
	}
	switch l.cfg.KeyExchange {
	case "":
	case "classic":
		c.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384}
	default:
		l.fault("key_exchange: want classic or nothing, got %q", l.cfg.KeyExchange)
	}
	c.RootCAs = l.roots()
	if pins := l.pins(); len(pins) > 0 {
		// Pins alone replace chain, name and expiry (design section 4);
		// VerifyConnection runs on full and on resumed handshakes.
		c.InsecureSkipVerify = l.cfg.CAFile == ""
		c.VerifyConnection = pins.verify
	}
	c.Certificates = l.certificates()
	return c
}

// roots gives the CA file's certificates, or nil for the system's.
func (l *loader) roots() *x509.CertPool {
	if l.cfg.CAFile == "" {
		return nil
	}
	pem, err := os.ReadFile(l.cfg.CAFile)
	if err != nil {
		l.fault("ca_file: %w", err)
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		l.fault("ca_file %s: want certificates in PEM form (-----BEGIN CERTIFICATE-----), got none", l.cfg.CAFile)
	}
	return pool
}

func (l *loader) pins() pinSet {
	pins := pinSet{}
	for _, text := range l.cfg.Pins {
		b64, ok := strings.CutPrefix(text, "sha256/")
		sum, err := base64.StdEncoding.DecodeString(b64)
		if !ok || err != nil || len(sum) != sha256.Size {
			l.fault("pins: want sha256/ and 44 characters of base64, got %q", text)
			continue
		}
		pins[[sha256.Size]byte(sum)] = true
	}
	return pins
}

func (l *loader) certificates() []tls.Certificate {
	cert, key := l.cfg.ClientCert, l.cfg.ClientKey
	switch {
	case cert == "" && key == "":
		return nil
	case cert == "" || key == "":
		l.fault("client_cert and client_key: want both or none, got one")
		return nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		l.fault("client_cert %s and client_key %s: want a PEM certificate and its own key: %w", cert, key, err)
		return nil
	}
	return []tls.Certificate{pair}
}

// err joins every fault; nil when there is none.
func (l *loader) err() error { return errors.Join(l.faults...) }
