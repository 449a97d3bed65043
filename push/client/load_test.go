package client

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
)

func TestConfigFaults(t *testing.T) {
	id, other := newIdentity(t, early, late), newIdentity(t, early, late)
	dir := t.TempDir()
	file := func(name, content string) string { return write(t, name, []byte(content), 0o600) }
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no url", func(c *Config) { c.URLs = nil }, "url: want https://host[:port][/prefix], got none"},
		{"plain http", func(c *Config) { c.URLs = []string{"http://push.test"} }, `url 1: want https://host[:port][/prefix], got the scheme "http"`},
		{"no scheme", func(c *Config) { c.URLs = []string{"push.test"} }, `got the scheme ""`},
		{"no host", func(c *Config) { c.URLs = []string{"https:///x"} }, "got no host"},
		{"no URL", func(c *Config) { c.URLs = []string{"https://u:" + secret + "@[::1"} }, "something that is no URL"},
		{"bad port", func(c *Config) { c.URLs = []string{"https://push.test:" + secret} }, "something that is no URL"},
		{"user", func(c *Config) { c.URLs = []string{"https://u:" + secret + "@push.test"} }, "user name or password"},
		{"query", func(c *Config) { c.URLs = []string{"https://push.test/?apiKey=" + secret} }, "got a query"},
		{"empty query", func(c *Config) { c.URLs = []string{"https://push.test/?"} }, "got a query"},
		{"fragment", func(c *Config) { c.URLs = []string{"https://push.test/#x"} }, "got a fragment"},
		{"letters", func(c *Config) { c.URLs = []string{"https://püsh.test/"} }, "xn-- form"},
		{"second url", func(c *Config) { c.URLs = append(c.URLs, "ftp://x") }, "url 2: want"},
		{"no container", func(c *Config) { c.Container = "" }, "container: want the container's id, got nothing"},
		{"container of spaces", func(c *Config) { c.Container = "a b" }, "got spaces"},
		{"two containers", func(c *Config) { c.ContainerFile = file("id", "x") }, "want one of them, got both"},
		{"no container file", func(c *Config) { c.Container = ""; c.ContainerFile = dir + "/none" }, "container_file: open"},
		{"empty container file", func(c *Config) { c.Container = ""; c.ContainerFile = file("id", " \n") }, "id: want the container's id, got nothing"},
		{"no key", func(c *Config) { c.KeyFile = "" }, "key_file: want the path"},
		{"no key file", func(c *Config) { c.KeyFile = dir + "/none" }, "key_file: open " + dir + "/none: no such file"},
		{"a folder", func(c *Config) { c.KeyFile = dir }, "is a directory"},
		{"empty key", func(c *Config) { c.KeyFile = file("key", "\n\n") }, "got an empty file"},
		{"key of two lines", func(c *Config) { c.KeyFile = file("key", secret+"\nb\n") }, "got spaces, control characters or several lines"},
		{"key with a control character", func(c *Config) { c.KeyFile = file("key", secret+"\r\nHost: evil") }, "got spaces, control"},
		{"long key", func(c *Config) { c.KeyFile = file("key", strings.Repeat(secret, 300)) }, "longer than 4 KiB"},
		{"auth", func(c *Config) { c.Auth = "cookie" }, `auth: want header or query, got "cookie"`},
		{"no CA file", func(c *Config) { c.CAFile = dir + "/none" }, "ca_file: open"},
		{"CA file without PEM", func(c *Config) { c.CAFile = file("ca", "hello") }, "want certificates in PEM form"},
		{"pin of hex", func(c *Config) { c.Pins = []string{"sha256/00ff"} }, `pins: want sha256/ and 44 characters of base64, got "sha256/00ff"`},
		{"pin without sha256", func(c *Config) { c.Pins = []string{strings.TrimPrefix(id.pin, "sha256/")} }, "pins: want sha256/"},
		{"client certificate alone", func(c *Config) { c.ClientCert = file("c", string(id.pem)) }, "want both or none"},
		{"client pair", func(c *Config) {
			c.ClientCert, c.ClientKey = file("c", string(id.pem)), file("k", string(other.key))
		}, "want a PEM certificate and its own key: tls: private key does not match public key"},
		{"client key", func(c *Config) { c.ClientCert, c.ClientKey = file("c", string(id.pem)), file("k", "x") }, "want a PEM certificate and its own key"},
		{"tls_min", func(c *Config) { c.TLSMin = "1.1" }, `tls_min: want 1.3 or 1.2, got "1.1"`},
		{"key_exchange", func(c *Config) { c.KeyExchange = "rsa" }, `key_exchange: want classic or nothing, got "rsa"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig(t, id)
			tt.change(&cfg)
			_, err := New(cfg, Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "\n") {
				t.Errorf("want one line without the key, got %q", err)
			}
		})
	}
}

func TestConfigNamesAllFaults(t *testing.T) {
	_, err := New(Config{Auth: "x", TLSMin: "2", KeyExchange: "y", Pins: []string{"z"}, ClientKey: "k", CAFile: "/none"}, Options{})
	if err == nil {
		t.Fatal("want faults")
	}
	for _, field := range []string{"url", "container", "key_file", "auth", "tls_min", "key_exchange", "pins", "client_cert", "ca_file"} {
		if !strings.Contains("\n"+err.Error(), "\n"+field) {
			t.Errorf("%s is missing in %v", field, err)
		}
	}
}

func TestConfigFiles(t *testing.T) {
	id := newIdentity(t, early, late)
	var log bytes.Buffer
	cfg := testConfig(t, id)
	cfg.Container, cfg.ContainerFile = "", write(t, "id", []byte("box1\n"), 0o600)
	cfg.KeyFile = write(t, "open", []byte(secret+"\r\n"), 0o600)
	if err := os.Chmod(cfg.KeyFile, 0o644); err != nil {
		t.Fatal(err)
	}
	cfg.ClientCert, cfg.ClientKey = write(t, "c", id.pem, 0o600), write(t, "k", id.key, 0o600)
	cfg.Pins, cfg.TLSMin, cfg.KeyExchange, cfg.Auth = []string{id.pin}, "1.2", "classic", "query"
	c, err := New(cfg, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if c.container != "box1" || c.key != secret {
		t.Errorf("got container %q and a key of %d characters", c.container, len(c.key))
	}
	if !strings.Contains(log.String(), "key file is open to every user") || strings.Contains(log.String(), secret) {
		t.Errorf("logged %s", log.String())
	}
}

func TestHeaderTextKeepsOneLine(t *testing.T) {
	if got := headerText("longarm\r\nHost: evil\x00  ü"); got != "longarm Host: evil" {
		t.Errorf("got %q", got)
	}
}

func TestEndpoints(t *testing.T) {
	l := loader{cfg: Config{URLs: []string{"https://a.test", "https://a.test:8443/x/y/", "https://[::1]:1/", "https://b.test/a%20b"}}}
	want := []struct{ addr, host, name, prefix string }{
		{"a.test:443", "a.test", "a.test", ""},
		{"a.test:8443", "a.test:8443", "a.test", "/x/y"},
		{"[::1]:1", "[::1]:1", "::1", ""},
		{"b.test:443", "b.test", "b.test", "/a%20b"},
	}
	for i, e := range l.endpoints() {
		if w := want[i]; e.addr != w.addr || e.host != w.host || e.name != w.name || e.prefix != w.prefix {
			t.Errorf("got %s %s %s %s, want %+v", e.addr, e.host, e.name, e.prefix, w)
		}
	}
	if l.err() != nil {
		t.Error(l.err())
	}
}
