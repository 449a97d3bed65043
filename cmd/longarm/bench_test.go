package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	upTo := func(n int) []time.Duration {
		var list []time.Duration
		for i := range n {
			list = append(list, time.Duration(i+1))
		}
		return list
	}
	for _, tt := range []struct {
		name     string
		times    []time.Duration
		p50, p99 time.Duration
	}{
		{"none", nil, 0, 0},
		{"one", upTo(1), 1, 1},
		{"two", upTo(2), 1, 2},
		{"three", upTo(3), 2, 3},
		{"hundred", upTo(100), 50, 99},
		{"three hundred", upTo(300), 150, 297},
	} {
		slices.Reverse(tt.times) // spreadOf sorts
		got := spreadOf(tt.times)
		if want := (spread{len(tt.times), tt.p50, tt.p99}); got != want {
			t.Errorf("%s: got %v, want %v", tt.name, got, want)
		}
	}
}

func TestParseDev(t *testing.T) {
	const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 8447      19    0    0    0     0          0         0     9999      29    0    0    0     0       0          0
  eth0:123456 7 0 0 0 0 0 0 1 1 0 0 0 0 0 0
`
	for _, tt := range []struct {
		name string
		want traffic
		ok   bool
	}{
		{"lo", traffic{8447, 19}, true},
		{"eth0", traffic{123456, 7}, true},
		{"face", traffic{}, false},
		{"lo1", traffic{}, false},
	} {
		got, err := parseDev(text, tt.name)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%s: got %v, %v, want %v, ok %v", tt.name, got, err, tt.want, tt.ok)
		}
	}
	if _, err := parseDev("lo: many 3\n", "lo"); err == nil {
		t.Error("got no error for counters that are no numbers")
	}
}

func TestParseStatus(t *testing.T) {
	const text = "Name:\tlongarm-agent\nVmHWM:\t    7480 kB\nVmRSS:\t    7412 kB\nRssAnon:\t    1484 kB\nThreads:\t9\n"
	for key, want := range map[string]int64{"VmRSS": 7412, "VmHWM": 7480, "RssAnon": 1484} {
		if got, err := parseStatus(text, key); got != want || err != nil {
			t.Errorf("%s: got %d, %v, want %d", key, got, err, want)
		}
	}
	for _, key := range []string{"VmSwap", "Threads", "Name"} {
		if got, err := parseStatus(text, key); err == nil {
			t.Errorf("%s: got %d, want an error", key, got)
		}
	}
}

func TestHourly(t *testing.T) {
	if got := hourly(1000, 5*time.Minute); got != 12000 {
		t.Errorf("got %d bytes an hour, want 12000", got)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 6291456: "6,291,456", -1234: "-1,234", -123: "-123"} {
		if got := grouped(n); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFirstEdges(t *testing.T) {
	got, err := firstEdges([]byte(`{"t_us":10,"name":"router","active":true,"why":"call a"}
{"t_us":20,"name":"router","active":false,"why":"call a"}
{"t_us":30,"name":"router","active":true,"why":"call b"}
`))
	if err != nil || len(got) != 2 || got["call a"] != 10*time.Microsecond || got["call b"] != 30*time.Microsecond {
		t.Errorf("got %v, %v, want a at 10 µs and b at 30 µs", got, err)
	}
	if _, err := firstEdges([]byte("{\"t_us\":")); err == nil {
		t.Error("got no error for half a line")
	}
}

func TestStamp(t *testing.T) {
	if at, id, err := stamp("1500 c1"); at != 1500 || id != "c1" || err != nil {
		t.Errorf("got %v %q %v, want 1500 ns of c1", at, id, err)
	}
	if _, _, err := stamp("ready"); err == nil {
		t.Error("got no error for a line without a time")
	}
}

func TestTable(t *testing.T) {
	var tab table
	tab.add("a", "p50 1 ms", "p50 0.9 ms", judge(true))
	tab.skip("b", "1", "a disk")
	if tab.missed() {
		t.Error("got a missed bar, want none: skipped is not missed")
	}
	tab.add("c", "1", "2", judge(false))
	tab.note("%d notes", 1)
	if !tab.missed() {
		t.Error("got no missed bar, want one")
	}
	var out bytes.Buffer
	tab.print(&out)
	for _, want := range []string{"a  ", "p50 0.9 ms", "needs a disk", "skipped", "MISSED", "- 1 notes"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %q, want %q in it", out.String(), want)
		}
	}
}

func TestWriteInto(t *testing.T) {
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	tab := table{machine: "Measured here."}
	tab.add("a", "1", "2", missed)
	for _, text := range []string{"no marks\n", tableBegins + "old\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := tab.writeInto(path); err == nil {
			t.Errorf("got no error for a file that reads %q", text)
		}
	}
	if err := os.WriteFile(path, []byte("above\n"+tableBegins+"old\n"+tableEnds+"below\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := "above\n" + tableBegins + "Measured here.\n\n| promise | bar | measured | verdict |\n|---|---|---|---|\n| a | 1 | 2 | MISSED |\n\n" + tableEnds + "below\n"
	for range 2 { // again and again the same
		if err := tab.writeInto(path); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

// The test's own program has sections; a source file has none.
func TestReadELF(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	e, err := readELF(self)
	if err != nil || e.sections < 1<<20 {
		t.Errorf("got %d section bytes, %v, want a megabyte and more", e.sections, err)
	}
	if _, err := readELF("bench_test.go"); err == nil {
		t.Error("got no error for a file that is no program")
	}
}

// What the command line may look like.
func TestBenchWords(t *testing.T) {
	for args, want := range map[string]string{
		"":                          "which agent?",
		"-agent x -runs 3":          "20 or more",
		"-agent x -idle -1s":        "must not be negative",
		"-agent x more":             `what is "more" for?`,
		"-as nobody":                `no role "nobody"`,
		"-as poll-ours https://x":   "want URL, CA file",
		"-agent /nowhere/to/be/had": "make build",
	} {
		var out, err bytes.Buffer
		code := run(t.Context(), append([]string{"bench"}, strings.Fields(args)...), noEnv, &out, &err)
		if code == exitDone || !strings.Contains(err.String(), want) {
			t.Errorf("%q: got %d, %q, want a fault that says %q", args, code, &err, want)
		}
	}
	var out, err bytes.Buffer
	if code := run(t.Context(), []string{"bench", "-h"}, noEnv, &out, &err); code != exitDone || !strings.Contains(out.String(), "Usage: longarm bench -agent PATH") {
		t.Errorf("got %d, %q, want the help", code, &out)
	}
}

// The whole of a measurement in one process: the rig holds a poll, stamps it,
// and both clients decode its call.
func TestRig(t *testing.T) {
	r, err := newRig(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for _, role := range []string{rolePollOurs, rolePollNetHTTP} {
		var out bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan int, 1)
		go func() {
			ended <- command{stdout: &out, stderr: io.Discard}.benchRole(ctx, role, []string{r.url(), r.caFile(), r.keyFile(), role})
		}()
		var held arrival
		if err := r.until(t.Context(), "a poll", func(a arrival) bool { held = a; return a.isPoll() }); err != nil {
			t.Fatal(err)
		}
		call := benchCall(role, "router on")
		sent, err := held.release(call)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.until(t.Context(), "the next poll", arrival.isPoll); err != nil {
			t.Fatal(err)
		}
		cancel()
		if code := <-ended; code != exitDone {
			t.Errorf("%s: got %d, want %d at its end", role, code, exitDone)
		}
		at, id, err := stamp(strings.TrimSpace(out.String()))
		if err != nil || id != call.MessageID || sent <= held.at || at <= sent {
			t.Errorf("%s: got call %q at %v, %v, want %q after %v, sent after %v", role, id, at, err, call.MessageID, sent, held.at)
		}
	}
}
