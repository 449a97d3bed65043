package push

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseCallRequestVariants(t *testing.T) {
	tests := []struct {
		name, media, body string
		want              CallRequest
		says              string // of the error
	}{
		{name: "no ttl", body: `{"id":"a","data":"x on"}`, want: CallRequest{"a", "x on", DefaultTTL}},
		{name: "ttl null", body: `{"id":"a","data":"x on","ttlMs":null}`, want: CallRequest{"a", "x on", DefaultTTL}},
		{name: "unknown field", body: `{"id":"a","data":"x on","ttlMs":1000,"more":1}`, want: CallRequest{"a", "x on", time.Second}},
		{name: "longest life", body: `{"id":"a","data":"x on","ttlMs":86400000}`, want: CallRequest{"a", "x on", 24 * time.Hour}},
		{name: "careless types", body: `{"id":7,"data":{ "target":"x" },"ttlMs":"2000"}`, want: CallRequest{"7", `{"target":"x"}`, 2 * time.Second}},
		{name: "form", media: "application/x-www-form-urlencoded", body: "id=a&data=x+on&ttlMs=1500", want: CallRequest{"a", "x on", 1500 * time.Millisecond}},
		{name: "form without a type or a ttl", body: "id=a&data=x%20on", want: CallRequest{"a", "x on", DefaultTTL}},
		{name: "longest id", body: `{"id":"` + strings.Repeat("i", MaxRequestID) + `","data":"x"}`, want: CallRequest{strings.Repeat("i", MaxRequestID), "x", DefaultTTL}},
		{name: "long id", body: `{"id":"` + strings.Repeat("i", MaxRequestID+1) + `","data":"x"}`, says: "id: want"},
		{name: "no id", body: `{"data":"x"}`, says: "id: want"},
		{name: "id is an object", body: `{"id":{},"data":"x"}`, says: "id: want"},
		{name: "no data", body: `{"id":"a"}`, says: "data: want"},
		{name: "empty data", body: `{"id":"a","data":""}`, says: "data: want"},
		{name: "short life", body: `{"id":"a","data":"x","ttlMs":999}`, says: "1000 to 86400000"},
		{name: "long life", body: `{"id":"a","data":"x","ttlMs":86400001}`, says: "1000 to 86400000"},
		{name: "no life", body: `{"id":"a","data":"x","ttlMs":0}`, says: "1000 to 86400000"},
		{name: "life of text", body: `{"id":"a","data":"x","ttlMs":"60s"}`, says: "1000 to 86400000"},
		{name: "endless life", body: `{"id":"a","data":"x","ttlMs":1e999}`, says: "1000 to 86400000"},
		{name: "half a JSON", body: `{"id":"a`, says: "asks for no call: "},
		{name: "empty", says: "ttlMs"},
		{name: "array as JSON", media: "application/json; charset=utf-8", body: `[1]`, says: "ttlMs"},
		{name: "bad escape", body: "id=%zz", says: "neither JSON nor a form"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseCallRequest(tt.media, []byte(tt.body))
			if got != tt.want || errors.Is(err, ErrNoCallRequest) != (tt.says != "") {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q in it", err, tt.says)
			}
		})
	}
	if got := string(CallRequest{ID: "a", Data: `"`}.Append(nil)); got != `{"id":"a","data":"\""}` {
		t.Errorf("without a life: got %s", got)
	}
}

func TestMessageIDOfAReply(t *testing.T) {
	for body, want := range map[string]string{
		`{"success":true,"data":{"messageId":"m1","more":1}}`: "m1",
		`{"success":true,"data":{"messageId":17}}`:            "17",
		`{"success":true,"data":{"messageId":{}}}`:            "",
		`{"success":true,"data":[]}`:                          "",
		`{"success":true}`:                                    "",
	} {
		r, err := ParseReply([]byte(body))
		if got := r.MessageID(); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", body, got, err, want)
		}
	}
}

func FuzzParseCallRequest(f *testing.F) {
	f.Add("application/json", string(ownRequest.Append(nil)))
	f.Add("", "id=a&data=x&ttlMs=1000")
	f.Add("", `{"id":1e9,"data":["a",{}],"ttlMs":"2000"}`)
	f.Fuzz(func(t *testing.T, media, body string) {
		r, err := ParseCallRequest(media, []byte(body))
		if err != nil {
			if !errors.Is(err, ErrNoCallRequest) || r != (CallRequest{}) {
				t.Fatalf("%+v, %v", r, err)
			}
			return
		}
		if r.ID == "" || r.Data == "" || r.TTL < MinTTL || r.TTL > MaxTTL {
			t.Fatalf("out of bounds: %+v", r)
		}
		if again, err := ParseCallRequest("", r.Append(nil)); err != nil || again != r {
			t.Fatalf("sent %s, got %+v, %v", r.Append(nil), again, err)
		}
	})
}
