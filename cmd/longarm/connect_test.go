package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The usual faults are sentences that say what to do.
func TestConnectFaults(t *testing.T) {
	f := newFake(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "https://" + closed.Addr().String()
	closed.Close()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	wrong := "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	for _, tt := range []struct {
		name, url, token, pin string
		words                 []string
	}{
		{"no token", f.server.URL, "", f.pin, []string{"which token?"}},
		{"plain http", "http://localhost", "good", "", []string{"must start with https://"}},
		{"no url at all", "push.example.net", "good", "", []string{"must look like https://"}},
		{"malformed pin", f.server.URL, "good", "sha256/xx", []string{"not of the form"}},
		{"refused", refused, "good", f.pin, []string{"nothing listens at", "longarm serve"}},
		{"wrong pin", f.server.URL, "good", wrong, []string{"not the service you pinned", f.pin, wrong}},
		{"no pin", f.server.URL, "good", "", []string{"no certificate authority", "LONGARM_PIN"}},
		{"wrong token", f.server.URL, "bad", f.pin, []string{"does not know this token", "!bad"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := func(name string) string {
				return map[string]string{"LONGARM_URL": tt.url, "LONGARM_TOKEN": tt.token, "LONGARM_PIN": tt.pin}[name]
			}
			var out, err bytes.Buffer
			code := run(t.Context(), []string{"ls"}, env, &out, &err)
			want(t, "stderr", code, exitError, err.String(), tt.words...)
			if out.Len() > 0 || strings.Count(err.String(), "\n") != 1 {
				t.Errorf("got stdout %q and stderr %q, want one line on stderr", &out, &err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		code         int
		words        []string
	}{
		{"role too low", `403 {"error":"only an admin may"}`, 1, []string{"this token may not do that: only an admin may"}},
		{"garbage", `200 <html>`, 1, []string{"is it a Longarm service?"}},
		{"nothing", `200 `, 1, []string{"answered nothing"}},
		{"other JSON", `200 {"a":1}`, 1, []string{"understand the service's answer"}},
		{"draining", `503 {"error":"draining"}`, 1, []string{"503 Service Unavailable: draining"}},
		{"redirect", `302 location https://elsewhere.example/`, 1, []string{"https://elsewhere.example/", "not followed"}},
		{"escape sequences", "404 {\"error\":\"x\\u001b[2Jy\"}", 1, []string{"x\ufffd[2Jy"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.answers["GET /containers"] = tt.answer
			code, out, err := f.do("ls")
			want(t, "stderr", code, tt.code, out+err, tt.words...)
		})
	}
}

// Flags win over the environment.
func TestConnectFlags(t *testing.T) {
	f := newFake(t)
	var out, err bytes.Buffer
	env := func(string) string { return "nonsense" }
	code := run(t.Context(), []string{"ls", "-url", f.server.URL, "-token", "good", "-pin", f.pin}, env, &out, &err)
	want(t, "ls", code, 0, out.String()+err.String(), "shop-12")
}

// On the service's machine its data directory is enough.
func TestConnectLocal(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	local := func(env func(string) string, args ...string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"ls"}, args...), env, &out, &out)
		return code, out.String()
	}
	code, text := local(noEnv, "-data", dir)
	want(t, "empty directory", code, 1, text, "no service runs on "+dir)

	for name, content := range map[string]string{
		fileAddr: strings.TrimPrefix(f.server.URL, "https://"), fileToken: "good\n", filePin: f.pin + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, text = local(noEnv, "-data", dir)
	want(t, "-data", code, 0, text, "shop-12")
	code, text = local(func(string) string { return "nonsense" }, "-data", dir)
	want(t, "-data wins over the environment", code, 0, text, "shop-12")
	code, text = local(noEnv, "-data", dir, "-token", "bad")
	want(t, "-token wins over the file", code, 1, text, "does not know this token")
	if os.Geteuid() == 0 {
		return // root's default directory is the machine's
	}
	if err := os.Rename(dir, filepath.Join(filepath.Dir(dir), "longarm-server")); err != nil {
		t.Fatal(err)
	}
	code, text = local(func(n string) string { return map[string]string{"XDG_STATE_HOME": filepath.Dir(dir)}[n] })
	want(t, "default directory", code, 0, text, "shop-12")
}

func TestDialable(t *testing.T) {
	for addr, want := range map[string]string{
		"[::]:8443": "localhost:8443", "0.0.0.0:1": "localhost:1", "127.0.0.1:2": "127.0.0.1:2", "[::1]:3": "[::1]:3", "host:4": "host:4",
	} {
		if got := dialable(addr); got != want {
			t.Errorf("dialable(%q): got %q, want %q", addr, got, want)
		}
	}
}
