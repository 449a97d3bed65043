package push

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"longarm/push/jsontext"
)

func TestParsePollAnswers(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   error // nil: idle
	}{
		{"no content", 204, "", nil},
		{"empty", 200, "", nil},
		{"object of somebody else", 200, `{"error":"x"}`, nil},
		{"data is a text", 200, `{"success":true,"data":"x"}`, nil},
		{"data is null", 200, `{"success":true,"data":null}`, nil},
		{"id is an object", 200, `{"success":true,"data":{"messageId":{"a":1}}}`, nil},
		{"id is true", 200, `{"success":true,"data":{"messageId":true}}`, nil},
		{"not successful", 200, `{"success":false,"data":{"messageId":"m"}}`, nil},
		{"web page", 200, "<html>", ErrNoEnvelope},
		{"half a JSON", 200, `{"success":true,"data":{"mess`, ErrNoEnvelope},
		{"rubbish behind", 200, `{"success":false}{`, ErrNoEnvelope},
		{"array", 200, `[]`, ErrNoEnvelope},
		{"wrong key", 401, `{"success":false,"message":"wrong key"}`, &Refusal{Status: 401, Message: "wrong key"}},
		{"bare error", 502, "<html>bad gateway</html>", &Refusal{Status: 502}},
		{"created", 201, string(ownCall.AppendReply(nil)), &Refusal{Status: 201}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, ok, err := ParsePoll(tt.status, []byte(tt.body))
			if c != (Call{}) || ok {
				t.Errorf("got call %+v", c)
			}
			want, refused := errors.AsType[*Refusal](tt.want)
			if got, is := errors.AsType[*Refusal](err); is != refused || (refused && *got != *want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if !refused && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestLifeOfCall(t *testing.T) {
	tests := []struct {
		ttl  string
		want time.Duration
	}{
		{`59750`, 59750 * time.Millisecond},
		{`"1500"`, 1500 * time.Millisecond},
		{`1500.9`, 1500 * time.Millisecond},
		{`null`, 0},
		{`0`, time.Nanosecond},
		{`0.1`, time.Nanosecond},
		{`-5`, time.Nanosecond},
		{`-1e999`, time.Nanosecond},
		{`86400000`, MaxTTL},
		{`86400001`, MaxTTL},
		{`9223372036854775807`, MaxTTL},
		{`1e999`, MaxTTL},
		{`"inf"`, MaxTTL},
		{`"nan"`, DefaultTTL},
		{`"soon"`, DefaultTTL},
		{`""`, DefaultTTL},
		{`true`, DefaultTTL},
		{`{"ms":5}`, DefaultTTL},
		{`[5]`, DefaultTTL},
	}
	for _, tt := range tests {
		body := `{"success":true,"message":"","data":{"messageId":"m","ttlMs":` + tt.ttl + `}}`
		c, ok, err := ParsePoll(200, []byte(body))
		if c.TTL != tt.want || !ok || err != nil {
			t.Errorf("ttlMs %s: got %v, %v, %v, want %v", tt.ttl, c.TTL, ok, err, tt.want)
		}
	}
	if got := string(Call{MessageID: "m", TTL: time.Microsecond}.AppendReply(nil)); !strings.Contains(got, `"ttlMs":0}`) {
		t.Errorf("a life under 1 ms was sent as %s", got)
	}
}

func TestPayload(t *testing.T) {
	tests := []struct{ message, data, want string }{
		{`"a|b|c"`, `"router on"`, "router on"},
		{`"a|b|c"`, `""`, "c"},
		{`"a|b|c|d"`, `null`, "c"},
		{`"a|b"`, `""`, ""},
		{`null`, `["a", {"b": 1}]`, `["a",{"b":1}]`},
		{`null`, `"a\u0000\u001b[2J\n"`, "a\x00\x1b[2J\n"},
	}
	for _, tt := range tests {
		c, ok, err := ParsePoll(200, []byte(`{"success":true,"message":`+tt.message+`,"data":{"messageId":"m","data":`+tt.data+`}}`))
		if c.Data != tt.want || !ok || err != nil {
			t.Errorf("message %s data %s: got %q, %v, %v, want %q", tt.message, tt.data, c.Data, ok, err, tt.want)
		}
	}
}

func TestParseReplyRefuses(t *testing.T) {
	for _, body := range []string{"", " ", "null", "true", `"x"`, "[]", "{}", `{"success":null}`, `{"success":2}`, `{"success":true`, "<html>", `{"success":{}}`} {
		if r, err := ParseReply([]byte(body)); !errors.Is(err, ErrNoEnvelope) || !reflect.DeepEqual(r, Reply{}) {
			t.Errorf("%q: got %+v, %v", body, r, err)
		}
	}
}

func TestParseResultVariants(t *testing.T) {
	tests := []struct {
		name, media, body string
		want              Result
		bad               bool
	}{
		{name: "form with a JSON object", body: `success=1&data={"a":1}`, want: Result{Success: true, Data: json.RawMessage(`{"a":1}`)}},
		{name: "form with a text", body: `success=false&data=hello`, want: Result{Data: json.RawMessage(`"hello"`)}},
		{name: "JSON that says it is a form", media: "application/x-www-form-urlencoded", body: `{"success":true}`, want: Result{Success: true}},
		{name: "data null", body: `{"success":true,"data":null}`, want: Result{Success: true}},
		{name: "empty", bad: true},
		{name: "no success", body: `{"message":"x"}`, bad: true},
		{name: "half a JSON", body: `{"success":tr`, bad: true},
		{name: "array as JSON", media: "application/json", body: `[1]`, bad: true},
		{name: "bad escape", body: `success=%zz`, bad: true},
		{name: "bytes", body: "\x00\xff", bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseResult(tt.media, []byte(tt.body))
			if errors.Is(err, ErrNoResult) != tt.bad || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestStringsAreJSON(t *testing.T) {
	for _, s := range []string{"", `a"b\c`, "\x00\x01\x1f\x7f", "<&>", "\u2028\u2029", "ü€😀", "\xff\xfe", "a\r\n\tb"} {
		b := jsontext.AppendString(nil, s)
		var got string
		if err := json.Unmarshal(b, &got); err != nil || got != strings.ToValidUTF8(s, "\uFFFD") && s != "\xff\xfe" {
			t.Errorf("%q became %s, %v", s, b, err)
		}
	}
	if got := string(jsontext.AppendString(nil, "a<b>&c")); got != `"a<b>&c"` {
		t.Errorf("got %s", got)
	}
}

func TestPaths(t *testing.T) {
	tests := []struct{ got, want string }{
		{PollPath("c 1"), "/push/c%201"},
		{AckPath("a/b", "../x?y#z"), "/push/a%2Fb/ack/..%2Fx%3Fy%23z"},
		{ResultPath("c", "m\r\n"), "/push/c/result/m%0D%0A"},
		{AckPath("..", "."), "/push/%2E%2E/ack/%2E"},
		{SignOffPath("c"), "/push/c/signoff"},
		{StatePath("c"), "/push/c/state"},
		{CallPath("a/b", ".."), "/push/a%2Fb/call/%2E%2E"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
}

func TestIDs(t *testing.T) {
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	a, b := NewID(), NewID()
	if !uuid.MatchString(a) || a == b {
		t.Errorf("got %s and %s", a, b)
	}
	if !EqualID(a, strings.ToUpper(a)) || EqualID(a, b) {
		t.Error("ids compare without case, and different ones differ")
	}
}

func TestRefusalText(t *testing.T) {
	tests := []struct {
		r    Refusal
		want string
	}{
		{Refusal{Status: 401}, "service answered 401 (no or wrong key)"},
		{Refusal{Status: 500}, "service answered 500"},
		{Refusal{Status: 404, Message: "no such container"}, "service answered 404: no such container"},
	}
	for _, tt := range tests {
		if got := tt.r.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func FuzzParsePoll(f *testing.F) {
	for _, s := range []string{
		"", "{}", `{"success":true,"message":"a|b|c","data":{"messageId":"m","data":{"a":1},"ttlMs":-1}}`,
		`{"success":"1","message":[1,[2]],"data":{"messageId":1e9,"ttlMs":"1e400"}}`, string(ownCall.AppendReply(nil)),
	} {
		f.Add(200, []byte(s))
	}
	f.Add(401, []byte(`{"success":false,"message":"no"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		c, ok, err := ParsePoll(status, body)
		switch {
		case ok && (err != nil || status != 200 || c.MessageID == ""):
			t.Fatalf("a call without id, or with an error: %+v, %v", c, err)
		case !ok && c != (Call{}):
			t.Fatalf("no call, but %+v", c)
		case c.TTL < 0 || c.TTL > MaxTTL:
			t.Fatalf("life %v", c.TTL)
		case !ok:
			return
		}
		// What we deliver is what a client reads, one exception being known.
		if strings.EqualFold(c.Control, crashesForeignClient) {
			c.Control = ""
		}
		sent := c.AppendReply(nil)
		again, ok, err := ParsePoll(200, sent)
		if again != c || !ok || err != nil {
			t.Fatalf("sent %s\ngot  %+v, %v, %v\nwant %+v", sent, again, ok, err, c)
		}
	})
}

func FuzzParseReply(f *testing.F) {
	for _, s := range []string{"", `{"success":true}`, `{"success":false,"message":[null,"a",{}],"data":{"a":[]}}`, `{"success":0,"message":{},"data":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseReply(body)
		if err != nil {
			if !errors.Is(err, ErrNoEnvelope) {
				t.Fatal(err)
			}
			return
		}
		again, err := ParseReply(r.Append(nil))
		if err != nil || again.Success != r.Success || again.Message != r.Message || !bytes.Equal(again.Data, r.Data) {
			t.Fatalf("got %+v, %v, want %+v", again, err, r)
		}
	})
}

func FuzzParseResult(f *testing.F) {
	f.Add("application/json", []byte(`{"success":true,"message":"x","data":{"state":"done"}}`))
	f.Add("", []byte(`success=true&message=a%20b&data[x]=1&data[]=2`))
	f.Add("application/x-www-form-urlencoded", []byte(`success=false&data={"a":1}`))
	f.Fuzz(func(t *testing.T, media string, body []byte) {
		r, err := ParseResult(media, body)
		if err != nil {
			if !errors.Is(err, ErrNoResult) {
				t.Fatal(err)
			}
			return
		}
		again, err := ParseResult("application/json", r.Append(nil))
		if err != nil || again.Success != r.Success || again.Message != r.Message || !json.Valid(again.Data) {
			t.Fatalf("got %+v, %v, want %+v", again, err, r)
		}
	})
}
