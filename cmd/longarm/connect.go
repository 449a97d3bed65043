package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Files in a service's data directory; serve writes them, the client verbs on
// the same machine read them (docs/state.md).
const (
	fileAddr  = "listen.addr"
	fileToken = "admin.token"
	filePin   = "tls.pin"
)

// target says where a client verb finds the service; the flags win over the
// environment, and both win over a data directory on this machine.
type target struct {
	url, token, pin, data string
}

// flag adds the flags that every client verb has.
func (t *target) flag(f flags) {
	f.StringVar(&t.url, "url", "", "the service's `URL`, https://host[:port] (LONGARM_URL)")
	f.StringVar(&t.token, "token", "", "the operator's `TOKEN` (LONGARM_TOKEN)")
	f.StringVar(&t.pin, "pin", "", "trust the server key with this `PIN` alone, sha256/… (LONGARM_PIN);\nwithout one the system's certificate authorities decide")
	f.StringVar(&t.data, "data", "", "take all three from the data `DIR` of a service on this machine\n(without a URL: "+defaultData(f.c.env)+")")
}

// defaultData is where serve keeps its data and where the client verbs look.
func defaultData(env func(string) string) string {
	state := env("XDG_STATE_HOME")
	switch {
	case os.Geteuid() == 0:
		return "/var/lib/longarm-server"
	case filepath.IsAbs(state):
		return filepath.Join(state, "longarm-server")
	case env("HOME") != "":
		return filepath.Join(env("HOME"), ".local/state/longarm-server")
	}
	return "longarm-data"
}

var errNoURL = errors.New("which service? set LONGARM_URL (or -url), LONGARM_TOKEN and, for a self-signed certificate, LONGARM_PIN; on the service's own machine -data DIR is enough")

// connect makes the client that t, the environment and the data directory
// describe. It opens no connection.
func (c command) connect(t target) (*api, error) {
	if t.data == "" {
		t.url = first(t.url, c.env("LONGARM_URL"))
	}
	if t.url == "" {
		if err := t.local(c.env); err != nil {
			return nil, err
		}
	}
	t.token = first(t.token, c.env("LONGARM_TOKEN"))
	t.pin = first(t.pin, c.env("LONGARM_PIN"))
	if t.token == "" {
		return nil, errors.New("which token? set LONGARM_TOKEN (or -token); the first one is in admin.token in the service's data directory")
	}
	pins, err := parsePins(t.pin)
	if err != nil {
		return nil, err
	}
	u, err := parseURL(t.url)
	if err != nil {
		return nil, err
	}
	return newAPI(u, t.token, pins), nil
}

// local fills what no flag said from the files of a service on this machine.
func (t *target) local(env func(string) string) error {
	dir := first(t.data, defaultData(env))
	addr, err := readLine(filepath.Join(dir, fileAddr))
	switch {
	case errors.Is(err, fs.ErrNotExist) && t.data == "":
		return errNoURL
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no service runs on %s: %s is not there", dir, filepath.Join(dir, fileAddr))
	case err != nil:
		return fmt.Errorf("find the service: %w", err)
	}
	t.url = "https://" + dialable(addr)
	if t.token == "" && (t.data != "" || env("LONGARM_TOKEN") == "") {
		if t.token, err = readLine(filepath.Join(dir, fileToken)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("find the admin token: %w", err)
		}
	}
	if t.pin == "" {
		if t.pin, err = readLine(filepath.Join(dir, filePin)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("find the pin: %w", err)
		}
	}
	return nil
}

// dialable turns the address of a socket that listens everywhere into one that
// reaches it.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the service's URL must look like https://host[:port], got %q", s)
	}
	if u.Scheme != "https" {
		return nil, fmt.Errorf("the service's URL must start with https://: a token never travels in plain text; got %q", s)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

func readLine(path string) (string, error) {
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}

// first is the first of its arguments that is not empty.
func first(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
