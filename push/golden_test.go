package push

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func golden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(b, []byte("\n"))
}

const box = "7602c7e0-1111-4222-8333-444455556666"

var ownCall = Call{
	RootContainerID: box, ContainerID: box, SenderID: box,
	MessageID: "0f9c3a52-8d0e-4c1b-9d5e-2b6f0a7c1e11", Data: "router cycle 10s", TTL: 59750 * time.Millisecond,
}

var ownRequest = CallRequest{ID: "trigger-5d3c1f0e-7a2b-4c6d-8e9f-0a1b2c3d4e5f", Data: "siren on 30s", TTL: 59750 * time.Millisecond}

func TestGoldenWritten(t *testing.T) {
	jsonCall := Call{
		RootContainerID: "root", ContainerID: "child", SenderID: "hub", MessageID: "m1",
		Data: `{"target":"router","verb":"cycle","args":["10s"]}`,
	}
	crash := jsonCall
	crash.Control = "Remote_Action"
	container := Container{
		Action:     Action{Type: ActionPush, Buttons: []Button{{Text: "Restart the router", Data: "router cycle 10s", ItemID: "1"}}},
		System:     System{IP: "192.0.2.7", NumberOfProcessors: 4, TotalRAM: 1024, Architecture: "arm64"},
		Additional: Additional{Name: "Debian", Version: "12"},
		ID:         "7602c7e0", Name: "gateway", Type: TypeExternal, CustomerID: "c1", MaxHeartbeatTimeout: 20,
	}
	report := Report{
		Targets: []TargetState{{Name: "router", Kind: "output", Load: "on", Proof: "readback"}},
		Agent: AgentState{
			Version: "0.1.0", Started: "2026-11-25T01:00:00Z", Cause: "power",
			Faults: []string{"output pump: board usb1 is not there"}, Instance: "i1",
		},
	}
	tests := []struct {
		file string
		got  []byte
	}{
		{"call.json", ownCall.AppendReply(nil)},
		{"call-json-payload.json", jsonCall.AppendReply(nil)},
		{"call-json-payload.json", crash.AppendReply(nil)},
		{"idle.json", Idle().Append(nil)},
		{"reply-ok.json", Reply{Success: true}.Append(nil)},
		{"reply-ok.json", Reply{Success: true, Data: json.RawMessage("null")}.Append(nil)},
		{"reply-ok.json", Reply{Success: true, Data: json.RawMessage("{broken")}.Append(nil)},
		{"reply-expired.json", Reply{Message: "expired"}.Append(nil)},
		{"reply-data.json", Reply{Success: true, Data: json.RawMessage(`{"id":"7602c7e0"}`)}.Append(nil)},
		{"ack.json", AppendAck(nil, "7602c7e0", "m1")},
		{"result-empty-data.json", Result{Message: `unknown verb "dance"; router knows on, off, pulse, cycle and read`}.Append(nil)},
		{"request-call.json", ownRequest.Append(nil)},
		{"reply-call.json", CallTaken(ownCall.MessageID).Append(nil)},
		{"state.json", report.Append(nil)},
		{"state-empty.json", Report{Agent: AgentState{Version: "0.1.0", Instance: "i1"}}.Append(nil)},
		{"container.json", container.Append(nil)},
		{"container-empty.json", Container{}.Append(nil)},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			if want := golden(t, tt.file); !bytes.Equal(tt.got, want) {
				t.Errorf("got  %s\nwant %s", tt.got, want)
			}
		})
	}
}

func TestGoldenCalls(t *testing.T) {
	tests := []struct {
		file string
		want Call
	}{
		{"call.json", ownCall},
		{"call-json-payload.json", Call{
			RootContainerID: "root", ContainerID: "child", SenderID: "hub", MessageID: "m1",
			Data: `{"target":"router","verb":"cycle","args":["10s"]}`,
		}},
		{"foreign-call-object.json", Call{ContainerID: "c1", MessageID: "m1", Data: `{"target":"router","verb":"on"}`}},
		{"foreign-call-message.json", Call{RootContainerID: "c1", ContainerID: "c1", SenderID: "c1", MessageID: "m1", Data: "router on"}},
		{"foreign-call-numbers.json", Call{ContainerID: "c1", MessageID: "17", Data: "5"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got, ok, err := ParsePoll(200, golden(t, tt.file))
			if got != tt.want || !ok || err != nil {
				t.Errorf("got %+v, %v, %v\nwant %+v", got, ok, err, tt.want)
			}
		})
	}
	for _, file := range []string{"idle.json", "reply-ok.json", "reply-expired.json", "foreign-idle-data.json", "foreign-message-null.json"} {
		if got, ok, err := ParsePoll(200, golden(t, file)); ok || err != nil || got != (Call{}) {
			t.Errorf("%s: got %+v, %v, %v, want idle", file, got, ok, err)
		}
	}
}

func TestGoldenReplies(t *testing.T) {
	tests := []struct {
		file string
		want Reply
	}{
		{"idle.json", Idle()},
		{"reply-ok.json", Reply{Success: true}},
		{"reply-expired.json", Reply{Message: "expired"}},
		{"reply-data.json", Reply{Success: true, Data: json.RawMessage(`{"id":"7602c7e0"}`)}},
		{"foreign-message-null.json", Reply{Success: true}},
		{"foreign-message-missing.json", Reply{Success: true}},
		{"foreign-message-array.json", Reply{Message: "no, such container"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got, err := ParseReply(golden(t, tt.file))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

func TestGoldenResults(t *testing.T) {
	tests := []struct {
		file string
		want Result
	}{
		{"foreign-result-no-data.json", Result{Success: true, Message: "ok"}},
		{"foreign-result-ids.json", Result{Data: json.RawMessage(`["a",1]`)}},
		{"foreign-result.form", Result{Success: true, Message: "it is on", Data: json.RawMessage(`{"state":"done","took":"5"}`)}},
	}
	for _, tt := range tests {
		for _, media := range []string{"", "application/json; charset=utf-8", "application/x-www-form-urlencoded"} {
			if filepath.Ext(tt.file) == ".form" && media[:min(len(media), 16)] == "application/json" {
				continue
			}
			got, err := ParseResult(media, golden(t, tt.file))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s as %q: got %+v, %v\nwant %+v", tt.file, media, got, err, tt.want)
			}
		}
	}
	for _, file := range []string{"result-done.json", "result-unknown.json", "result-empty-data.json"} {
		want := golden(t, file)
		r, err := ParseResult("application/json", want)
		if got := r.Append(nil); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s came back as %s, %v", file, got, err)
		}
	}
}

func TestGoldenRequests(t *testing.T) {
	got, err := ParseCallRequest("application/json", golden(t, "request-call.json"))
	if err != nil || got != ownRequest {
		t.Errorf("got %+v, %v\nwant %+v", got, err, ownRequest)
	}
	r, err := ParseReply(golden(t, "reply-call.json"))
	if err != nil || !r.Success || r.MessageID() != ownCall.MessageID {
		t.Errorf("got %+v with message id %q, %v", r, r.MessageID(), err)
	}
}

func TestContainerKeepsAbsentFields(t *testing.T) {
	var got Container
	if err := json.Unmarshal(golden(t, "container.json"), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"name":"new","system":{"isVm":true},"unknown":1}`), &got); err != nil {
		t.Fatal(err)
	}
	want := bytes.ReplaceAll(golden(t, "container.json"), []byte(`"gateway"`), []byte(`"new"`))
	want = bytes.ReplaceAll(want, []byte(`"isVm":false`), []byte(`"isVm":true`))
	if b := got.Append(nil); !bytes.Equal(b, want) {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}
