package main

import (
	"bytes"
	"strings"
	"testing"
)

func noEnv(string) string { return "" }

func TestDispatch(t *testing.T) {
	for _, tt := range []struct {
		name     string
		args     string
		code     int
		out, err string
	}{
		{"nothing", "", 2, "", "Usage: longarm VERB"},
		{"help", "-h", 0, "Exit codes: 0 done", ""},
		{"help word", "help", 0, "longarm container add", ""},
		{"help of a verb", "help call", 0, "Usage: longarm call NAME-OR-ID", ""},
		{"help of a verb's verb", "help container add", 0, "Usage: longarm container add NAME", ""},
		{"near miss", "sevre", 2, "", `did you mean serve?`},
		{"prefix", "cont", 2, "", `did you mean container?`},
		{"far off", "backup", 2, "", `unknown verb "backup"; there are serve, container, call`},
		{"verb without its verb", "token", 2, "", "Usage: longarm token VERB"},
		{"verb's near miss", "container ad", 2, "", "did you mean add?"},
		{"version", "version", 0, "longarm ", ""},
		{"version takes nothing", "version x", 2, "", `what is "x" for?`},
		{"unknown flag", "ls -x", 2, "", "flag provided but not defined: -x"},
		{"no url", "ls", 1, "", "LONGARM_URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, err bytes.Buffer
			env := func(name string) string { return map[string]string{"XDG_STATE_HOME": t.TempDir()}[name] }
			code := run(t.Context(), append([]string{}, strings.Fields(tt.args)...), env, &out, &err)
			if tt.name == "no url" && code == 1 && strings.Contains(err.String(), "/var/lib") {
				t.Skip("needs a machine without a service of its own")
			}
			want(t, "stdout", code, tt.code, out.String(), tt.out)
			want(t, "stderr", code, tt.code, err.String(), tt.err)
			if tt.out == "" && out.Len() > 0 || tt.err == "" && err.Len() > 0 {
				t.Errorf("got stdout %q and stderr %q, want one of them empty", &out, &err)
			}
		})
	}
}

// Every verb explains itself with an example.
func TestHelp(t *testing.T) {
	for _, args := range []string{"serve", "container add", "container pick", "call", "ls", "watch", "token add", "token ls", "token rm", "version"} {
		var out, err bytes.Buffer
		code := run(t.Context(), append(strings.Fields(args), "-h"), noEnv, &out, &err)
		want(t, args, code, 0, out.String()+err.String(), "Usage: longarm "+args)
		if err.Len() > 0 {
			t.Errorf("%s: got %q on stderr, want the help on stdout", args, &err)
		}
	}
}

func TestFlagsAnywhere(t *testing.T) {
	for _, tt := range []struct {
		name, args string
		words      string
		x          string
		code       int
		done       bool
	}{
		{"before", "-x 1 a b", "a b", "1", 0, false},
		{"between", "a -x 1 b", "a b", "1", 0, false},
		{"behind", "a b -x=1", "a b", "1", 0, false},
		{"end of flags", "a -- -x 1", "a -x 1", "", 0, false},
		{"word between", "-- a -x", "a -x", "", 0, false},
		{"end of flags first", "-- -x", "-x", "", 0, false},
		{"too few", "-x 1", "", "1", 2, true},
		{"too many", "a b c d", "", "", 2, true},
		{"no value", "a -x", "", "", 2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var err bytes.Buffer
			f := command{args: strings.Fields(tt.args), stderr: &err}.newFlags("v", "v")
			x := f.String("x", "", "")
			words, code, done := f.parse(1, 3)
			if got := strings.Join(words, " "); got != tt.words || *x != tt.x || code != tt.code || done != tt.done {
				t.Errorf("got words %q, x %q, code %d, done %t; want %q, %q, %d, %t", got, *x, code, done, tt.words, tt.x, tt.code, tt.done)
			}
			if done != strings.Contains(err.String(), "(longarm v -h explains it)") {
				t.Errorf("got %q, want a sentence and where to read on", &err)
			}
		})
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"ls", "", 2}, {"", "ls", 2}, {"serve", "sevre", 2}, {"call", "cal", 1}, {"call", "mall", 1}, {"watch", "token", 5}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q): got %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
