package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestKeySpellings(t *testing.T) {
	type try struct {
		query, header, body string
		status              int
	}
	tests := map[string]try{
		"header":            {header: "x-api-key: k", status: 200},
		"header, any case":  {header: "X-API-Key: k", status: 200},
		"query":             {query: "?apiKey=k", status: 200},
		"query, lower case": {query: "?apikey=k", status: 200},
		"query, upper case": {query: "?APIKEY=k", status: 200},
		"query, others too": {query: "?a=b&ApiKey=k", status: 200},
		"JSON body":         {body: `{"apiKey":"k","containerId":"x"}`, status: 200},
		"form body":         {body: "apiKey=k&reason=x", status: 200},
		"none":              {status: 401},
		"empty":             {header: "x-api-key: ", status: 401},
		"wrong":             {header: "x-api-key: wrong", status: 401},
		"wrong wins":        {header: "x-api-key: wrong", query: "?apiKey=k", status: 401},
		"of another":        {header: "x-api-key: k2", status: 403},
		"number in JSON":    {body: `{"apiKey":7}`, status: 401},
		"an admin's token":  {header: "x-api-key: TOKEN", status: 401},
	}
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.addBox("other", "k2")
		for name, try := range tests {
			for _, mount := range []string{"/push", "/1/push"} {
				headers := []string{}
				if try.header != "" {
					headers = append(headers, strings.Replace(try.header, "TOKEN", w.admin, 1))
				}
				g := w.send(t.Context(), "POST", mount+"/box/signoff"+try.query, try.body, headers...)
				if g.status != try.status || !strings.HasPrefix(g.body, `{"success":`) || g.header.Get("x-longarm") != "1" {
					t.Errorf("%s, %s: got %d %s, want %d with an envelope", name, mount, g.status, g.body, try.status)
				}
			}
		}
	})
}

func TestVerbs(t *testing.T) {
	tests := map[string]string{ // path: the methods that are served
		"/push/box":          "GET POST",
		"/push/box/ack/x":    "POST GET",
		"/push/box/result/x": "POST PUT",
		"/push/box/signoff":  "GET POST",
		"/push/box/state":    "POST",
		"/container?id=box":  "POST PUT GET",
	}
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		for path, served := range tests {
			for _, mount := range []string{"", "/1"} {
				if mount == "" && strings.HasPrefix(path, "/container") {
					continue
				}
				for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH"} {
					body := ""
					if strings.Contains(path, "result") {
						body = `{"success":true}`
					} else if strings.Contains(path, "state") {
						body = `{}`
					}
					g := w.device(method, mount+path, body)
					want := 405
					if strings.Contains(served, method) {
						want = 200
					}
					if g.status != want || !strings.HasPrefix(g.body, `{"success":`) {
						t.Errorf("%s %s%s: got %d %s, want %d", method, mount, path, g.status, g.body, want)
					}
					if want == 405 && g.header.Get("Allow") != strings.ReplaceAll(served, " ", ", ") {
						t.Errorf("%s %s: Allow: got %q, want %q", method, path, g.header.Get("Allow"), served)
					}
				}
			}
		}
	})
}

func TestRefusals(t *testing.T) {
	type try struct {
		method, path, body, key string
		status                  int
		took                    time.Duration
	}
	big := strings.Repeat("x", 64<<10+1)
	tests := map[string]try{
		"poll without a key":       {"GET", "/push/box", "", "", 401, time.Second},
		"poll with a wrong key":    {"GET", "/push/box", "", "wrong", 401, time.Second},
		"poll with another's key":  {"GET", "/push/box", "", "k2", 403, time.Second},
		"poll of no container":     {"GET", "/push/nobody", "", "k", 404, time.Second},
		"poll with a wrong method": {"PUT", "/push/box", "", "k", 405, time.Second},
		"poll with a big body":     {"POST", "/push/box", big, "k", 413, time.Second},
		"ack without a key":        {"POST", "/push/box/ack/x", "", "", 401, 0},
		"ack of no container":      {"POST", "/push/nobody/ack/x", "", "k", 404, 0},
		"result with a big body":   {"POST", "/push/box/result/x", big, "k", 413, 0},
		"half a result":            {"POST", "/push/box/result/x", `{"success":tr`, "k", 400, 0},
		"no such path":             {"GET", "/elsewhere", "", "k", 404, 0},
		"no such path below":       {"GET", "/push/box/dance/x", "", "k", 404, 0},
		"ack without an id":        {"POST", "/push/box/ack", "", "k", 404, 0},
		"call without a target":    {"POST", "/push/box/call", "{}", "k", 404, 0},
		"call without a key":       {"POST", "/push/box/call/other", "{}", "", 401, 0},
		"call with another's key":  {"POST", "/push/box/call/other", "{}", "k2", 403, 0},
		"call of no container":     {"POST", "/push/nobody/call/box", "{}", "k", 404, 0},
		"call by a wrong method":   {"GET", "/push/box/call/other", "", "k", 405, 0},
		"call with a big body":     {"POST", "/push/box/call/other", big, "k", 413, 0},
		"the root":                 {"GET", "/", "", "k", 404, 0},
	}
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.addBox("other", "k2")
		for name, try := range tests {
			headers := []string{}
			if try.key != "" {
				headers = append(headers, "x-api-key: "+try.key)
			}
			g := w.send(t.Context(), try.method, try.path, try.body, headers...)
			if g.status != try.status || !strings.HasPrefix(g.body, `{"success":false,"message":"`) || g.took != try.took {
				t.Errorf("%s: got %d %s after %v %v, want %d with an envelope after %v", name, g.status, g.body, g.took, g.err, try.status, try.took)
			}
		}
	})
}

func TestIDs(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.addBox("A b/ü.*", "k")
		v := w.api("POST", "/api/v1/containers/A%20b%2F%C3%BC.*/calls", `{"data":"x"}`, 202)
		id := v["messageId"].(string)
		g := w.device("GET", "/1/push/a%20B%2f%C3%BC.%2A", "")
		want := fmt.Sprintf(`{"success":true,"message":"","data":{"rootContainerId":"A b/ü.*","containerId":"A b/ü.*","senderId":"A b/ü.*","messageId":%q,"control":"","data":"x","ttlMs":60000}}`, id)
		wantReply(t, "poll", g, 200, want)
		g = w.device("POST", "/push/A%20b%2F%C3%BC.*/ack/"+strings.ToUpper(id), `{"containerId":"other","messageId":"other"}`)
		wantReply(t, "ack in capitals, with other ids in the body", g, 200, success)
	})
}

func TestBodies(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		for _, ack := range []struct{ body, media string }{
			{"", ""}, {"", "application/json"}, {`{"containerId":"box","messageId":"x","new":1}`, "application/json"},
			{`{"containerId":"box"}`, ""}, {"containerId=box&messageId=x", "application/x-www-form-urlencoded"}, {"containerId=box", ""},
		} {
			id := w.delivered("60s")
			headers := []string{}
			if ack.media != "" {
				headers = append(headers, "Content-Type: "+ack.media)
			}
			wantReply(t, "ack "+ack.body, w.device("POST", "/push/box/ack/"+id, ack.body, headers...), 200, success)
		}
	})
}
