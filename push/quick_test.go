package push

import (
	"os"
	"testing"
	"time"
)

func TestQuickCallReadsWhatWeWrite(t *testing.T) {
	c := Call{RootContainerID: "r", ContainerID: "c", SenderID: "s", MessageID: "m", Data: "router cycle 10s", TTL: 60 * time.Second}
	if got, ok := quickCall(c.AppendReply(nil)); !ok || got != c {
		t.Errorf("got %+v, %v, want %+v", got, ok, c)
	}
	c.TTL = 0
	if got, ok := quickCall(c.AppendReply(nil)); !ok || got != c {
		t.Errorf("without a life: got %+v, %v, want %+v", got, ok, c)
	}
	for name, body := range map[string]string{
		"an escape":        `{"success":true,"message":"","data":{"rootContainerId":"r","containerId":"c","senderId":"s","messageId":"m","control":"","data":"a\nb"}}`,
		"another order":    `{"success":true,"message":"","data":{"containerId":"c","rootContainerId":"r","senderId":"s","messageId":"m","control":"","data":"a"}}`,
		"a life of 0":      `{"success":true,"message":"","data":{"rootContainerId":"r","containerId":"c","senderId":"s","messageId":"m","control":"","data":"a","ttlMs":0}}`,
		"a negative life":  `{"success":true,"message":"","data":{"rootContainerId":"r","containerId":"c","senderId":"s","messageId":"m","control":"","data":"a","ttlMs":-5}}`,
		"more after it":    `{"success":true,"message":"","data":{"rootContainerId":"r","containerId":"c","senderId":"s","messageId":"m","control":"","data":"a"}} `,
		"no message id":    `{"success":true,"message":"","data":{"rootContainerId":"r","containerId":"c","senderId":"s","messageId":"","control":"","data":"a"}}`,
		"cut in the life":  `{"success":true,"message":"","data":{"rootContainerId":"r","containerId":"c","senderId":"s","messageId":"m","control":"","data":"a","ttlMs":`,
		"cut in a string":  `{"success":true,"message":"","data":{"rootContainerId":"r","containerId":"c`,
		"a control":        "{\"success\":true,\"message\":\"\",\"data\":{\"rootContainerId\":\"r\x01\",\"containerId\":\"c\",\"senderId\":\"s\",\"messageId\":\"m\",\"control\":\"\",\"data\":\"a\"}}",
		"what is no UTF-8": "{\"success\":true,\"message\":\"\",\"data\":{\"rootContainerId\":\"r\xff\",\"containerId\":\"c\",\"senderId\":\"s\",\"messageId\":\"m\",\"control\":\"\",\"data\":\"a\"}}",
	} {
		if got, ok := quickCall([]byte(body)); ok {
			t.Errorf("%s: read in haste as %+v", name, got)
		}
	}
}

// FuzzQuickCall: what is read in haste is read the same with care.
func FuzzQuickCall(f *testing.F) {
	for _, name := range []string{"testdata/call.json", "testdata/idle.json", "testdata/foreign-call-numbers.json"} {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add(Call{MessageID: "m", Data: "x", TTL: time.Second}.AppendReply(nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		quick, ok := quickCall(body)
		if !ok {
			return
		}
		careful, sure, err := carefulCall(body)
		if !sure || err != nil || careful != quick {
			t.Errorf("%q: in haste %+v, with care %+v, %v, %v", body, quick, careful, sure, err)
		}
	})
}
