package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// step is a document of call c1.
func step(state, at, more string) string {
	return fmt.Sprintf(`{"messageId":"c1","container":%q,"data":"router cycle 10s","state":%q,"at":{"queued":"2026-01-01T00:00:00.000Z"%s}%s}`, boxID, state, at, more)
}

const (
	atDelivered = `,"delivered":"2026-01-01T00:00:00.012Z"`
	atAcked     = atDelivered + `,"acknowledged":"2026-01-01T00:00:00.015Z"`
	atClosed    = atAcked + `,"closed":"2026-01-01T00:00:10.020Z"`
	done        = `,"result":{"success":true,"message":"router cycled","data":{"state":"done","proof":"readback","target":"router","verb":"cycle","active":false,"load":"on","edges":[{"active":true,"at_ms":0},{"active":false,"at_ms":10000}],"took_ms":10001,"detail":""}}`
)

func callFake(t *testing.T, steps ...string) *fake {
	f := newFake(t)
	f.answers["POST /containers/"+boxID+"/calls"] = `202 {"messageId":"c1","state":"queued"}`
	f.steps = steps
	return f
}

func TestCallOutcomes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps []string
		code  int
		words []string
	}{
		{"succeeded", []string{step("delivered", atDelivered, ""), step("succeeded", atClosed, done)}, 0, []string{
			"shop-12: router cycle 10s", "0 ms  queued", "12 ms  delivered", "15 ms  acknowledged", "10.0 s  succeeded: router cycled",
			"router cycle, load on (line inactive), proof: readback, active at 0 ms, inactive at 10000 ms, took 10.0 s"}},
		{"failed", []string{step("failed", atClosed, `,"result":{"success":false,"message":"refused: busy","data":{"state":"refused"}}`)}, 3, []string{"failed: refused: busy"}},
		{"expired", []string{step("expired", `,"closed":"2026-01-01T00:01:00Z"`, "")}, 3, []string{"60.0 s  expired: nobody fetched it within 60.0 s"}},
		{"delivered, expired", []string{step("expired", atDelivered+`,"closed":"2026-01-01T00:01:00Z"`, "")}, 3, []string{
			"60.0 s  expired: delivered after 12 ms but not acknowledged within 60.0 s: it should not act on it any more, look before you click again", "!nobody fetched"}},
		{"cancelled", []string{step("cancelled", "", "")}, 3, []string{"cancelled: taken back"}},
		{"unknown", []string{step("unknown", atClosed, `,"result":{"success":false,"message":"interrupted","data":{"state":"unknown"}}`)}, 4, []string{"unknown: interrupted; nobody knows whether it moved"}},
		{"late", []string{step("succeeded", atClosed, `,"late":true`+done)}, 0, []string{"(the answer came late)"}},
		{"foreign device", []string{step("succeeded", atClosed, `,"result":{"success":true,"message":"ok","data":[1,2]}`)}, 0, []string{"succeeded: ok", "!load"}},
		{"escape sequences", []string{step("succeeded", atClosed, `,"result":{"success":true,"message":"x\u001b[2J","data":{}}`)}, 0, []string{"x\ufffd[2J", "!\x1b"}},
		{"vanished", []string{step("delivered", atDelivered, "")}, 1, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := callFake(t, tt.steps...)
			if tt.name == "vanished" {
				f.answers["GET /calls/c1"] = `404 {"error":"no such call"}`
				tt.words = []string{"no such call"}
			}
			code, out, err := f.do("call", "shop-12", "router cycle 10s")
			want(t, "call", code, tt.code, out+err, tt.words...)
			if !f.saw("POST /containers/" + boxID + `/calls {"data":"router cycle 10s","ttl":"1m0s"}`) {
				t.Errorf("got %q, want the call with its life", f.asked)
			}
			if strings.Count(out, "  queued\n") > 1 || strings.Count(out, "  delivered\n") > 1 {
				t.Errorf("got\n%s\nwant each step once", out)
			}
		})
	}
}

// What the command line may look like.
func TestCallWords(t *testing.T) {
	final := step("succeeded", atClosed, done)
	for _, tt := range []struct {
		name string
		args []string
		body string
	}{
		{"flags behind", []string{"shop-12", "router cycle 10s", "-ttl", "5s"}, `{"data":"router cycle 10s","ttl":"5s"}`},
		{"flags before", []string{"-ttl=500ms", "shop-12", "router cycle 10s"}, `{"data":"router cycle 10s","ttl":"500ms"}`},
		{"unquoted", []string{"shop-12", "router", "cycle", "-ttl", "5s", "10s"}, `{"data":"router cycle 10s","ttl":"5s"}`},
		{"id", []string{boxID, "led read", "-ttl", "5s"}, `{"data":"led read","ttl":"5s"}`},
		{"id in capitals", []string{strings.ToUpper("x"), "led read", "-ttl", "5s"}, `{"data":"led read","ttl":"5s"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := callFake(t, final)
			f.answers["POST /containers/x/calls"] = f.answers["POST /containers/"+boxID+"/calls"]
			code, out, err := f.do(append([]string{"call"}, tt.args...)...)
			want(t, "call", code, 0, out+err)
			id := boxID
			if tt.args[0] == "X" {
				id = "x"
			}
			if !f.saw("POST /containers/" + id + "/calls " + tt.body) {
				t.Errorf("got %q, want %s", f.asked, tt.body)
			}
		})
	}
	for _, args := range [][]string{
		{}, {"shop-12"}, {"shop-12", "  "}, {"shop-12", "led read", "-ttl", "0s"}, {"shop-12", "led read", "-ttl", "-1s"}, {"shop-12", "led read", "-wait", "-1s"},
		{"shop-12", "led read", "-ttl", "soon"}, {"-cancel", "c1", "shop-12"},
	} {
		f := callFake(t, final)
		code, out, err := f.do(append([]string{"call"}, args...)...)
		want(t, fmt.Sprint(args), code, exitUsage, out+err, "longarm call -h")
		if len(f.asked) > 0 {
			t.Errorf("%q: got %q, want nothing sent", args, f.asked)
		}
	}
}

func TestCallRefused(t *testing.T) {
	for _, tt := range []struct {
		name, container, answer string
		code                    int
		word                    string
	}{
		{"signed off", "shop-12", `409 {"error":"signed off: power-fail"}`, 3, "signed off: power-fail"},
		{"conflict", "shop-12", `409 {"error":"conflict: two devices use this container"}`, 3, "two devices"},
		{"conflict's way out", "attic", `409 {"error":"conflict"}`, 3, "longarm container pick attic INSTANCE"},
		{"bad call", "shop-12", `400 {"error":"data is empty"}`, 1, "data is empty"},
		{"too many", "shop-12", `429 {"error":"slow down"}`, 1, "slow down"},
		{"viewer", "shop-12", `403 {"error":"a viewer may not call"}`, 1, "a viewer may not call"},
		{"no such container", "shop-13", "", 1, `did you mean shop-12?`},
		{"nowhere near", "elsewhere", "", 1, "`longarm ls` lists them"},
		{"twins", "twin", "", 1, "say which by its id: x, y"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := callFake(t)
			f.answers["POST /containers/"+boxID+"/calls"] = tt.answer
			f.answers["POST /containers/"+otherID+"/calls"] = tt.answer
			code, out, err := f.do("call", tt.container, "led read")
			want(t, "call", code, tt.code, err, tt.word, "!reach ")
			if out != "" {
				t.Errorf("got %q on stdout, want nothing", out)
			}
		})
	}
}

// A lost answer is asked for again with the same key, so one call is made.
func TestCallAnswerLost(t *testing.T) {
	f := callFake(t)
	f.answers["POST /containers/"+boxID+"/calls"] = "drop"
	code, _, err := f.do("call", "shop-12", "led read")
	want(t, "call", code, 1, err)
	if len(f.keys) < 2 || len(slices.Compact(slices.Clone(f.keys))) != 1 {
		t.Errorf("got the keys %q, want the same one several times", f.keys)
	}
}

func TestCallJSON(t *testing.T) {
	f := callFake(t, step("acknowledged", atAcked, ""), step("failed", atClosed, done))
	code, out, err := f.do("call", "-json", "shop-12", "router cycle 10s")
	want(t, "call -json", code, 3, out+err, `"state":"failed"`)
	if got := jsonOf(t, out); got["messageId"] != "c1" || strings.Count(out, "\n") != 1 || err != "" {
		t.Errorf("got %q and %q, want the final call alone on one line", out, err)
	}
}

// The wait runs out: 4, what is known, and no busy loop.
func TestCallNoAnswer(t *testing.T) {
	for _, tt := range []struct {
		name, state, wait, word string
	}{
		{"queued", "queued", "100ms", "no answer within 100 ms, the call is queued"},
		{"unanswered", "unanswered", "100ms", "unanswered: the box went silent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := callFake(t, step(tt.state, "", ""))
			f.maxPolls = 8
			code, out, err := f.do("call", "shop-12", "router cycle 10s", "-wait", tt.wait)
			want(t, "call", code, exitUnknown, out+err, tt.word, "!busy loop")
			f = callFake(t, step(tt.state, "", ""))
			code, out, err = f.do("call", "shop-12", "router cycle 10s", "-json", "-wait", tt.wait)
			want(t, "call -json", code, exitUnknown, out+err, `"state":"`+tt.state+`"`)
		})
	}
}

// -wait 0 is told what it asked for: the call is queued.
func TestCallOnlyQueued(t *testing.T) {
	f := callFake(t, step("queued", "", ""))
	code, out, err := f.do("call", "shop-12", "router cycle 10s", "-wait", "0")
	want(t, "call -wait 0", code, exitDone, out+err, "shop-12: router cycle 10s", "queued; `longarm watch shop-12` shows what becomes of it, `longarm call -cancel c1`", "!no answer")
	code, out, err = f.do("call", "shop-12", "router cycle 10s", "-json", "-wait", "0s")
	want(t, "call -wait 0 -json", code, exitDone, out+err, `"messageId":"c1"`, `"state":"queued"`)
	f.answers["GET /calls/c1"] = `503 {"error":"draining"}`
	code, out, err = f.do("call", "shop-12", "router cycle 10s", "-json", "-wait", "0s")
	want(t, "call that nobody can look at", code, exitDone, out+err, `{"messageId":"c1","state":"queued"}`)
	f.answers["POST /containers/"+boxID+"/calls"] = `409 {"error":"signed off"}`
	code, out, err = f.do("call", "shop-12", "router cycle 10s", "-wait", "0s")
	want(t, "refused", code, exitRefused, out+err, "signed off")
}

// A wait as long as the call's life sees it expire.
func TestCallExpires(t *testing.T) {
	queued := step("queued", "", "")
	f := callFake(t, queued, queued, step("expired", `,"closed":"2026-01-01T00:00:00.300Z"`, ""))
	code, out, err := f.do("call", "shop-12", "router cycle 10s", "-ttl", "300ms", "-wait", "300ms")
	want(t, "call", code, exitRefused, out+err, "expired: nobody fetched it within 300 ms")
}

// The event stream is faster than the held GET, and says the same.
func TestCallEvents(t *testing.T) {
	f := callFake(t, step("queued", "", ""))
	other := strings.Replace(step("failed", atClosed, done), "c1", "c2", 1)
	compact := func(s string) string { return strings.ReplaceAll(s, "\n", "") }
	f.stream = []string{"event: call\ndata: " + compact(other) + "\n\nevent: container\ndata: {\"id\":\"c1\",\"state\":\"offline\"}\n\n" +
		"event: call\ndata: " + compact(step("succeeded", atClosed, done)) + "\n\n"}
	code, out, err := f.do("call", "shop-12", "router cycle 10s")
	want(t, "call", code, 0, out+err, "succeeded: router cycled", "!failed")
}

// The service is away for a while: the wait goes on.
func TestCallServiceAway(t *testing.T) {
	f := callFake(t, step("queued", "", ""))
	f.answers["GET /calls/c1"] = `503 {"error":"draining"}`
	f.answers["GET /events"] = `503 {"error":"draining"}`
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(t.Context(), []string{"call", "shop-12", "router cycle 10s"}, f.env, io.Discard, w)
		w.Close()
	}()
	line := make([]byte, 200)
	n, _ := r.Read(line)
	f.mu.Lock()
	f.steps = []string{step("succeeded", atClosed, done)}
	delete(f.answers, "GET /calls/c1")
	f.mu.Unlock()
	rest, _ := io.ReadAll(r)
	want(t, "call", <-code, 0, string(line[:n])+string(rest), "draining. Trying again")
}

func TestCallStopped(t *testing.T) {
	f := callFake(t, step("queued", "", ""))
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	var errs strings.Builder
	go func() {
		code <- run(ctx, []string{"call", "shop-12", "router cycle 10s"}, f.env, w, &errs)
		w.Close()
	}()
	line := make([]byte, 200)
	r.Read(line)
	cancel()
	io.Copy(io.Discard, r)
	want(t, "ctrl-C", <-code, exitUnknown, errs.String(), "stopped waiting; the call goes on (longarm call -cancel c1")
}

func TestCallCancel(t *testing.T) {
	f := newFake(t)
	f.answers["DELETE /calls/c1"] = "200 " + step("cancelled", "", "")
	f.answers["DELETE /calls/c2"] = `409 {"error":"it was delivered already"}`
	code, out, err := f.do("call", "-cancel", "c1")
	want(t, "queued", code, 0, out+err, "the call c1 is cancelled")
	code, out, err = f.do("call", "-cancel", "c2")
	want(t, "delivered", code, 3, out+err, "it was delivered already")
}
