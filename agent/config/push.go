package config

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"longarm/push/client"
)

// push is the [push] section. It is good enough to poll with when no key that
// we know is wrong: a key that we do not know is reported, but for its sake a
// far box must not go dark.
func (r *reader) push() (client.Config, bool) {
	all := r.sections["push"]
	if len(all) == 0 || all[0].wrong {
		return client.Config{}, false
	}
	s := all[0]
	urls := s.texted("urls")
	if s.has("url") {
		urls = []string{s.str("url")}
	}
	return client.Config{
		URLs: urls, Container: s.str("container"), ContainerFile: s.str("container_file"), KeyFile: s.str("key_file"),
		Auth: s.str("auth"), CAFile: s.str("ca_file"), Pins: s.texted("pins"),
		ClientCert: s.str("client_cert"), ClientKey: s.str("client_key"),
		TLSMin: s.str("tls_min"), KeyExchange: s.str("key_exchange"),
	}, true
}

// inlineKey reports a key that stands in the file itself, without showing it.
func (s *section) inlineKey(name string) bool {
	secret := []string{"key", "api_key", "apikey", "api-key", "x-api-key", "token", "password", "secret"}
	if s.kind != "push" || !slices.Contains(secret, strings.ToLower(name)) {
		return false
	}
	s.stray(name, `key_file = "…": the key stands in a file of its own, never in the config`, "a key inline (not shown)")
	return true
}

func (s *section) ownPush() {
	s.oneOf("url", "urls")
	s.oneOf("container", "container_file")
	s.together("client_cert", "client_key")
	if s.has("url") {
		s.goodURL("url", s.right["url"])
	}
	if s.has("urls") {
		for _, item := range s.right["urls"].items {
			s.goodURL("urls", item)
		}
	}
	if c := s.str("container"); strings.ContainsAny(c, " /?#%") {
		s.fault("container", "an id without spaces, /, ?, # and %", show(c))
	}
	if s.has("pins") {
		for _, item := range s.right["pins"].items {
			s.goodPin(item)
		}
	}
}

// oneOf: exactly one of the two keys.
func (s *section) oneOf(a, b string) {
	switch {
	case s.wrote(a) && s.wrote(b):
		later := a
		if s.at(b) >= s.at(a) {
			later = b
		}
		s.fault(later, a+" or "+b+", not both", "both")
	case !s.wrote(a) && !s.wrote(b):
		s.fault(a, a+" or "+b, "neither")
	}
}

// together: both keys or none.
func (s *section) together(a, b string) {
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		if s.wrote(pair[0]) && !s.wrote(pair[1]) {
			s.fault(pair[0], pair[1]+" beside it", "it alone")
		}
	}
}

// item reports a value in a list at its own line.
func (s *section) item(name string, v *value, want, got string) {
	s.bad, s.wrong = true, true
	if !s.table.cut {
		s.r.faultAt(v.line, s.field+"."+name, want, got)
	}
}

// goodURL reports an address that is not one of a push service. What stands
// in it is not repeated: people put keys there.
func (s *section) goodURL(name string, v *value) {
	const want = "https://host[:port][/prefix]"
	u, err := url.Parse(v.text)
	port := 443
	if err == nil && u.Port() != "" {
		port, err = strconv.Atoi(u.Port())
	}
	switch {
	case err != nil:
		s.item(name, v, want, "what is not an address")
	case u.Scheme == "":
		s.item(name, v, want, "no https://")
	case u.Scheme != "https":
		s.item(name, v, want, "the scheme "+show(u.Scheme))
	case u.Hostname() == "" || strings.ContainsAny(u.Hostname(), " ,"):
		s.item(name, v, want, "no host")
	case u.User != nil:
		s.item(name, v, want+" and the key in key_file", "a user or password in the address (not shown)")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		s.item(name, v, want+" and the key in key_file", "a query or fragment (not shown)")
	case port < 1 || port > 65535 || strings.HasSuffix(u.Host, ":"):
		s.item(name, v, "a port from 1 to 65535", strconv.Quote(clip(u.Port())))
	}
}

func (s *section) goodPin(v *value) {
	hash, ok := strings.CutPrefix(v.text, "sha256/")
	raw, err := base64.StdEncoding.DecodeString(hash)
	if !ok || err != nil || len(raw) != 32 {
		s.item("pins", v, `"sha256/" and 44 characters of base64, as "longarm serve" prints it`, show(v.text))
	}
}
