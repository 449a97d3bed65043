package main

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func TestLs(t *testing.T) {
	f := newFake(t)
	code, out, err := f.do("ls")
	want(t, "ls", code, 0, out+err, "NAME ", "days ago", "1 faults on the box", "router on, led active",
		"signed off: power-fail; two devices use this container; flapping", "never", "!\x1b")
	lines := strings.Split(out, "\n")
	if len(lines) != 6 || !strings.HasPrefix(lines[1], "attic") || strings.HasSuffix(lines[1], " ") {
		t.Errorf("got\n%s\nwant a head and four boxes by name", out)
	}
	code, out, err = f.do("ls", "-json")
	want(t, "ls -json", code, 0, err)
	var list []map[string]any
	if json.Unmarshal([]byte(out), &list) != nil || len(list) != 4 || strings.Count(out, "\n") != 1 {
		t.Errorf("got %q, want the array on one line", out)
	}
	f.answers["GET /containers"] = "200 []"
	code, out, err = f.do("container", "ls")
	want(t, "container ls", code, 0, out+err, "longarm container add NAME")
}

func TestLsOne(t *testing.T) {
	f := newFake(t)
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(boxes), &list); err != nil {
		t.Fatal(err)
	}
	f.answers["GET /containers/"+boxID] = "200 " + string(list[0])
	for _, name := range []string{"shop-12", strings.ToUpper(boxID)} {
		code, out, err := f.do("ls", name)
		want(t, name, code, 0, out+err, boxID, "Restart: router cycle 10s", "target router  output, on, proof: readback",
			"target led     input, active\n", "last stop", "power", "9f3c", "fault", "f1", "20 min")
	}
	code, out, err := f.do("ls", "-json", "shop-12")
	want(t, "ls NAME -json", code, 0, err)
	if got := jsonOf(t, out); got["id"] != boxID {
		t.Errorf("got %q, want the container", out)
	}
	code, out, err = f.do("ls", "nobody")
	want(t, "ls nobody", code, 1, out+err, `longarm: no container is called "nobody"`)
}

// Which of two devices is picked is in the list and on the box's own page.
func TestLsPicked(t *testing.T) {
	f := newFake(t)
	doc := `{"id":"` + boxID + `","name":"shop-12","state":"online","reason":"the picked instance is silent","openCalls":0,"maxHeartbeatTimeout":20,
		"picked":"9f3c11d2a4b7e605","instances":[{"instance":"9f3c9e21b7d06c48","lastSeen":"2020-01-01T00:00:00.000Z"},{"instance":"9f3c11d2a4b7e605","lastSeen":"2020-01-01T00:00:00.000Z"}]}`
	f.answers["GET /containers"] = "200 [" + doc + "]"
	f.answers["GET /containers/"+boxID] = "200 " + doc
	code, out, err := f.do("ls")
	want(t, "ls", code, 0, out+err, "the picked instance is silent; device 9f3c11d2a4b7e605 is picked")
	code, out, err = f.do("ls", "shop-12")
	want(t, "ls NAME", code, 0, out+err, "device 9f3c11d2a4b7e605 is picked", "9f3c9e21b7d06c48, refused, heard ", "9f3c11d2a4b7e605, picked, heard ")
}

// Colours stand around the state alone and move no column.
func TestTableColour(t *testing.T) {
	rows := [][]string{{"NAME", "STATE", "NOTES"}, {"online", "online", "online"}, {"böx", "late", "x"}, {"bö", "odd", ""}}
	for _, tt := range []struct {
		p    painter
		want string
	}{
		{false, "NAME    STATE   NOTES\nonline  online  online\nböx     late    x\nbö      odd\n"},
		{true, "\x1b[1mNAME    STATE   NOTES\x1b[0m\nonline  \x1b[32monline\x1b[0m  online\nböx     \x1b[33mlate\x1b[0m    x\nbö      odd\n"},
	} {
		var out strings.Builder
		if code := (command{stdout: &out}).table(tt.p, rows); code != 0 || out.String() != tt.want {
			t.Errorf("got %d,\n%q\nwant\n%q", code, &out, tt.want)
		}
	}
	if got := painter(true).state("online"); got != "\x1b[32monline\x1b[0m" {
		t.Errorf("got %q, want green", got)
	}
	if got := painter(false).state("online"); got != "online" {
		t.Errorf("got %q, want it plain", got)
	}
}

// Only a terminal that did not say NO_COLOR gets colours.
func TestPainter(t *testing.T) {
	null, err := os.Open(os.DevNull) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, tt := range []struct {
		name string
		w    io.Writer
		env  string
		want painter
	}{{"terminal", null, "", true}, {"NO_COLOR", null, "NO_COLOR", false}, {"dumb", null, "TERM", false}, {"file", file, "", false}, {"buffer", io.Discard, "", false}} {
		c := command{env: func(n string) string {
			if n == tt.env {
				return "dumb"
			}
			return ""
		}}
		if got := c.painter(tt.w); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestAgeAndSpan(t *testing.T) {
	now := time.Unix(1e9, 0)
	for d, want := range map[time.Duration]string{
		-time.Hour: "0 s ago", 89 * time.Second: "89 s ago", 90 * time.Second: "1 min ago", 90 * time.Minute: "1 h ago", 72 * time.Hour: "3 days ago",
	} {
		if got := age(now, now.Add(-d)); got != want {
			t.Errorf("age of %v: got %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		12 * time.Millisecond: "12 ms", 1500 * time.Millisecond: "1.50 s", 10020 * time.Millisecond: "10.0 s", 5 * time.Minute: "5m0s",
	} {
		if got := span(d); got != want {
			t.Errorf("span of %v: got %q, want %q", d, got, want)
		}
	}
}
