package device

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestParseCommandWordsAndJSONAreEqual(t *testing.T) {
	for words, object := range map[string]string{
		"router on":        `{"target":"router","verb":"on"}`,
		"router cycle 10s": `{"target":"router","verb":"cycle","args":["10s"]}`,
		"door wait on 30s": " {\n\"args\":[\"on\",\"30s\"], \"verb\":\"wait\",\"target\":\"door\"}\n",
		"agent  status":    `{"target":"agent","verb":"status","args":[]}`,
		" tür on ":         `{"target":"t\u00fcr","verb":"on"}`,
	} {
		a, errA := ParseCommand(words)
		b, errB := ParseCommand(object)
		if errA != nil || errB != nil || !a.Equal(b) {
			t.Errorf("%q: got %+v %v; %s: got %+v %v; want them equal", words, a, errA, object, b, errB)
		}
		if c, err := ParseCommand(a.String()); err != nil || !c.Equal(a) {
			t.Errorf("%q written and read: got %+v %v", words, c, err)
		}
	}
}

func TestParseCommandRefusesWithASentence(t *testing.T) {
	for data, want := range map[string]string{
		"":                                  "empty command: want TARGET VERB",
		"   ":                               "empty command",
		"router":                            `command "router" has no verb: want TARGET VERB`,
		"router on\n":                       "control character U+000A: want plain words",
		"router\ton":                        "control character U+0009",
		"router on\x00":                     "control character U+0000",
		"router \u202eno":                   "invisible character U+202E",
		"router\u00a0on":                    "invisible character U+00A0",
		"router on\xff":                     "not text: want UTF-8",
		strings.Repeat("a", 1025):           "command of 1025 bytes: want at most 1024",
		`{"target":"router"`:                "not whole JSON: want {",
		`{`:                                 "not whole JSON",
		`{"target":"router"}`:               "lacks its target or its verb",
		`{"target":null,"verb":"on"}`:       "field target of the command",
		`{"target":"router","verb":"on"} x`: "goes on after the value",
		`{"target":"router","verb":"on"}{}`: "goes on after the value",
		`{"target":"router","verb":"on","ttl":"5s"}`:    `unknown field "ttl": want {`,
		`{"Target":"router","verb":"on"}`:               `unknown field "Target"`,
		`{"target":"a","target":"router","verb":"on"}`:  `field "target" twice`,
		`{"target":7,"verb":"on"}`:                      "field target of the command",
		`{"target":"router","verb":["on"]}`:             "field verb of the command",
		`{"target":"router","verb":"on","args":"10s"}`:  "field args of the command",
		`{"target":"router","verb":"on","args":[10]}`:   "field args of the command",
		`{"target":"router","verb":"on","args":null}`:   "field args of the command",
		`{"target":"router","verb":"on","args":[null]}`: "field args of the command",
		`{"target":"router","verb":"on 10m"}`:           `word "on 10m" has a space: want one word an argument`,
		`{"target":"","verb":"on"}`:                     "empty word",
		`{"target":"a\u0000b","verb":"on"}`:             "control character U+0000",
		`["router","on"]`:                               "has no verb",
	} {
		c, err := ParseCommand(data)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %+v, %v; want an error with %q", data, c, err, want)
		}
	}
}

func TestDurations(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"1ms": time.Millisecond, "500ms": 500 * time.Millisecond, "10s": 10 * time.Second, "5.5s": 5500 * time.Millisecond,
		"5m": 5 * time.Minute, "1m30s": 90 * time.Second, "1h": time.Hour,
	} {
		if got, err := parseDuration("pulse", s, time.Hour); err != nil || got != want {
			t.Errorf("%s: got %s %v, want %s", s, got, err, want)
		}
	}
	for s, want := range map[string]string{
		"-5s": "is not a duration", "+5s": "is not a duration", "0": "has no unit", "10": "has no unit", "0s": "is too short",
		"0.5ms": "is too short", "5us": "is not a duration", "inf": "is not a duration", "Inf": "is not a duration",
		"NaN": "is not a duration", "1e9s": "is not a duration", "10years": "is not a duration", "10d": "is not a duration",
		"61m": "is too long", "99999999999999999999h": "is too long", "2562048h": "is too long", "": "is not a duration", "s": "is not a duration",
		".s": "is not a duration", "1.2.3s": "is not a duration", "٣s": "is not a duration", "87600h": "is too long",
	} {
		_, err := parseDuration("pulse", s, time.Hour)
		if err == nil || !strings.Contains(err.Error(), want+": want 1ms to 1h, such as 500ms, 10s or 5m") {
			t.Errorf("%s: got %v, want %q and the bound", s, err, want)
		}
	}
}

func TestAbsurdDurationsNameTheBound(t *testing.T) {
	for _, text := range []string{"pump pulse -5s", "pump pulse 0", "pump pulse inf", "pump pulse NaN", "pump pulse 10 years", "pump cycle 10", "pump pulse 99999999999999999999s"} {
		c, err := ParseCommand(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pump.action(c); err == nil || !strings.Contains(err.Error(), "want 1ms to 1m, such as") {
			t.Errorf("%s: got %v, want the bound", text, err)
		}
	}
	c, _ := ParseCommand("pump off 5m")
	if _, err := pump.action(c); err == nil || err.Error() != "off takes no argument: only on can be a lease, such as on 10m" {
		t.Errorf("off 5m: got %v", err)
	}
}

func FuzzParseCommand(f *testing.F) {
	for _, s := range []string{"router cycle 10s", `{"target":"router","verb":"cycle","args":["10s"]}`, "{", "a b \x00", `{"target":"\ud800","verb":"on"}`, " {}", "door wait on 5m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data string) {
		c, err := ParseCommand(data)
		if err != nil {
			if s := err.Error(); !utf8.ValidString(s) || len(s) > 600 {
				t.Errorf("error is no sentence: %q", s)
			}
			return
		}
		if c.Target == "" || c.Verb == "" || len(data) > MaxCommand {
			t.Errorf("accepted %q as %+v", data, c)
		}
		if strings.ContainsFunc(c.String(), unicode.IsControl) {
			t.Errorf("control character in %+v", c)
		}
		object, err := json.Marshal(map[string]any{"target": c.Target, "verb": c.Verb, "args": append([]string{}, c.Args...)})
		if err != nil {
			t.Fatal(err)
		}
		for _, again := range []string{c.String(), string(object)} {
			if len(again) > MaxCommand || again[0] == '{' && again != string(object) {
				continue
			}
			if d, err := ParseCommand(again); err != nil || !d.Equal(c) {
				t.Errorf("%q: got %+v %v, want %+v", again, d, err, c)
			}
		}
		if a, err := pump.action(c); err == nil && a.Width > longestLease {
			t.Errorf("%q: width %s", data, a.Width)
		}
	})
}
