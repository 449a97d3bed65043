package service_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestRegistration(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		asAdmin := "x-api-key: " + w.admin
		const object = `{"action":{"type":"PUSH","url":"","buttons":[{"text":"Restart","data":"router cycle","itemId":"1"}]},"system":{"ip":"10.0.0.1","isServer":true,"isVm":false,"numberOfProcessors":4,"totalRam":1024,"architecture":"arm"},"additional":{"name":"Linux","version":"6.1","servicepack":"","lastStart":""},"id":"Box","name":"box at the gate","type":4,"customerId":"c","realName":"gate","maxHeartbeatTimeout":30,"parentId":""}`
		const envelope = `{"success":true,"message":"","data":`
		g := w.send(t.Context(), "POST", "/1/container", object, asAdmin)
		wantReply(t, "POST", g, 200, envelope+object+"}")
		wantReply(t, "GET", w.send(t.Context(), "GET", "/1/container?id=BOX", "", asAdmin), 200, envelope+object+"}")
		changed := strings.Replace(strings.Replace(object, "Restart", "Again", 1), `:30`, `:5`, 1)
		g = w.send(t.Context(), "PUT", "/1/container", `{"id":"box","maxHeartbeatTimeout":5,"action":{"buttons":[{"text":"Again","data":"router cycle","itemId":"1"}]}}`, asAdmin)
		wantReply(t, "PUT keeps absent fields", g, 200, envelope+changed+"}")
		changed = strings.Replace(changed, `"itemId":"1"`, `"itemId":""`, 1)
		g = w.send(t.Context(), "PUT", "/1/container?id=box", `{"action":{"buttons":[{"text":"Again","data":"router cycle"}]}}`, asAdmin)
		wantReply(t, "PUT of new buttons keeps nothing of the old ones", g, 200, envelope+changed+"}")
		// the key that registered is the container's key
		w.restart()
		wantReply(t, "poll", w.send(t.Context(), "GET", "/push/box", "", asAdmin), 200, idle)
		if g := w.send(t.Context(), "GET", "/push/box/signoff", "", asAdmin); g.status != 200 {
			t.Errorf("after a restart: got %d %s", g.status, g.body)
		}
	})
}

func TestRegistrationOfOthers(t *testing.T) {
	type try struct {
		method, path, body, key string
		status                  int
		says                    string
	}
	tests := map[string]try{
		"no key":              {"POST", "/1/container", `{"name":"x"}`, "", 401, ""},
		"wrong key":           {"POST", "/1/container", `{"name":"x"}`, "wrong", 401, ""},
		"new with a box's":    {"POST", "/1/container", `{"name":"x"}`, "k", 403, "admin"},
		"another's":           {"PUT", "/1/container?id=other", `{}`, "k", 403, ""},
		"own":                 {"GET", "/1/container?id=box", ``, "k", 200, ""},
		"put of none":         {"PUT", "/1/container?id=nobody", `{}`, "ADMIN", 404, ""},
		"name taken":          {"POST", "/1/container", `{"name":"BOX"}`, "ADMIN", 409, ""},
		"name is an id":       {"PUT", "/1/container?id=box", `{"name":"other"}`, "k", 409, ""},
		"wrong type":          {"PUT", "/1/container?id=box", `{"maxHeartbeatTimeout":"x"}`, "k", 400, "maxHeartbeatTimeout: want an integer"},
		"negative":            {"PUT", "/1/container?id=box", `{"maxHeartbeatTimeout":-1}`, "k", 400, "want minutes"},
		"half a JSON":         {"PUT", "/1/container?id=box", `{"maxHeartb`, "k", 400, ""},
		"a form":              {"PUT", "/1/container?id=box", `maxHeartbeatTimeout=7&realName=r`, "k", 200, `"maxHeartbeatTimeout":7`},
		"callback":            {"POST", "/1/container", `{"name":"cb","action":{"url":"https://x"}}`, "ADMIN", 200, `"type":"CALLBACK"`},
		"nothing but a token": {"POST", "/1/container", ``, "ADMIN", 200, `"type":"PUSH"`},
	}
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.addBox("other", "k2")
		for name, try := range tests {
			headers := []string{"x-api-key: " + strings.Replace(try.key, "ADMIN", w.admin, 1)}
			g := w.send(t.Context(), try.method, try.path, try.body, headers...)
			if g.status != try.status || !strings.Contains(g.body, try.says) {
				t.Errorf("%s: got %d %s, want %d %s", name, g.status, g.body, try.status, try.says)
			}
		}
	})
}

func TestNamesAreUnique(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		v := w.api("POST", "/api/v1/containers", `{"name":"gate","buttons":[{"text":"On","data":"pump on"}]}`, 201)
		key, id := v["key"].(string), v["id"].(string)
		if len(key) < 40 || v["maxHeartbeatTimeout"] != 20.0 || v["state"] != "new" {
			t.Errorf("container: got %v", v)
		}
		w.api("POST", "/api/v1/containers", `{"name":"Gate"}`, 409)
		w.api("POST", "/api/v1/containers", `{"name":"other","id":"`+id+`"}`, 409)
		w.api("POST", "/api/v1/containers", `{"name":"other"}`, 201) // the failed one did not keep the name
		if g := w.send(t.Context(), "PUT", "/1/container?id="+id, `{"name":"door"}`, "x-api-key: "+key); g.status != 200 {
			t.Fatalf("rename: got %d %s", g.status, g.body)
		}
		if names, err := w.engine.List(t.Context(), "name.>"); err != nil || len(names) != 2 {
			t.Errorf("names: got %d %v, want one for each container", len(names), err)
		}
		w.api("GET", "/api/v1/containers/gate", "", 404)
		w.api("GET", "/api/v1/containers/DOOR", "", 200)
		w.api("POST", "/api/v1/containers", `{"name":"gate"}`, 201)
		w.restart()
		w.api("POST", "/api/v1/containers", `{"name":"gate"}`, 409)
		if v := w.api("GET", "/api/v1/containers/door", "", 200); v["key"] != nil || v["id"] != id {
			t.Errorf("container: got %v, want the same id and no key", v)
		}
		g := w.send(t.Context(), "GET", "/api/v1/containers", "", "Authorization: Bearer "+w.admin)
		var list []map[string]any
		if err := json.Unmarshal([]byte(g.body), &list); err != nil || len(list) != 3 || list[0]["name"] != "door" {
			t.Errorf("list: got %s %v, want an array of 3", g.body, err)
		}
	})
}
