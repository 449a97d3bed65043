package main

import (
	"strings"
	"testing"
)

func TestContainerAdd(t *testing.T) {
	for _, tt := range []struct {
		name, args, body string
	}{
		{"plain", "shop-12", `{"name":"shop-12","maxHeartbeatTimeout":20}`},
		{"timeout behind", "shop-12|-timeout|5m", `{"name":"shop-12","maxHeartbeatTimeout":5}`},
		{"hours", "-timeout=2h|shop-12", `{"name":"shop-12","maxHeartbeatTimeout":120}`},
		{"id", "shop-12|-id|i1", `{"id":"i1","name":"shop-12","maxHeartbeatTimeout":20}`},
		{"buttons", "shop-12|-button|Restart router = router cycle 10s|-button|Siren=siren on 30s",
			`{"name":"shop-12","maxHeartbeatTimeout":20,"buttons":[{"text":"Restart router","data":"router cycle 10s"},{"text":"Siren","data":"siren on 30s"}]}`},
		{"grants", "shop-12|-may-call|i2|-may-call=attic", `{"name":"shop-12","maxHeartbeatTimeout":20,"mayCall":["i2","attic"]}`},
		{"JSON button", `shop-12|-button|A={"target":"a","verb":"on","args":["x=y"]}`,
			`{"name":"shop-12","maxHeartbeatTimeout":20,"buttons":[{"text":"A","data":"{\"target\":\"a\",\"verb\":\"on\",\"args\":[\"x=y\"]}"}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.answers["POST /containers"] = "201 {\n \"id\": \"i1\",\n \"key\": \"k1\", \"name\":\"shop-12\"}"
			code, out, err := f.do(append([]string{"container", "add"}, strings.Split(tt.args, "|")...)...)
			want(t, "container add", code, 0, out+err)
			if !f.saw("POST /containers " + tt.body) {
				t.Errorf("got %q, want %s", f.asked, tt.body)
			}
			if got := jsonOf(t, out); got["id"] != "i1" || got["key"] != "k1" || strings.Count(out, "\n") != 1 {
				t.Errorf("got %q, want id and key on one line", out)
			}
		})
	}
}

func TestContainerAddUsage(t *testing.T) {
	for _, args := range []string{"", "a|b", "a|-timeout|30s", "a|-timeout|0s", "a|-timeout|90s", "a|-timeout|-5m", "a|-button|x", "a|-button|=x", "a|-button|x=", "a|-may-call", "a|-may-call|"} {
		f := newFake(t)
		code, out, err := f.do(append([]string{"container", "add"}, strings.Split(args, "|")...)...) // "" is an empty name
		want(t, args, code, exitUsage, out+err, "longarm container add -h")
		if len(f.asked) > 0 {
			t.Errorf("%s: got %q, want nothing sent", args, f.asked)
		}
	}
}

func TestContainerGrant(t *testing.T) {
	f := newFake(t)
	f.answers["PATCH /containers/"+otherID] = `200 {"name":"attic","mayCall":["` + boxID + `","x"]}`
	code, out, err := f.do("container", "grant", "attic", "shop-12", "x")
	want(t, "grant", code, 0, out+err, "attic may call "+boxID+", x\n")
	if !f.saw("PATCH /containers/" + otherID + ` {"mayCall":["shop-12","x"]}`) {
		t.Errorf("got %q, want the containers", f.asked)
	}
	f.answers["PATCH /containers/"+otherID] = `200 {"name":"attic"}`
	code, out, err = f.do("container", "grant", "attic")
	want(t, "grant nothing", code, 0, out+err, "attic may call no other container\n")
	if !f.saw("PATCH /containers/" + otherID + ` {"mayCall":[]}`) {
		t.Errorf("got %q, want an empty list", f.asked)
	}
	f.answers["PATCH /containers/"+otherID] = `400 {"error":"mayCall: no container of the id or name \"nobody\""}`
	code, out, err = f.do("container", "grant", "attic", "nobody")
	want(t, "grant nobody", code, exitError, out+err, "no container of the id or name")
	code, out, err = f.do("container", "grant")
	want(t, "nothing", code, exitUsage, out+err, "longarm container grant -h")
	code, out, err = f.do("container", "add", "-h")
	want(t, "help", code, 0, out+err, "-may-call ID")
	f.answers["GET /containers/attic"] = `200 {"id":"a1","name":"attic","state":"new","mayCall":["` + boxID + `"]}`
	f.answers["GET /containers/a1"] = f.answers["GET /containers/attic"]
	code, out, err = f.do("ls", "attic")
	want(t, "ls", code, 0, out+err, "may call", boxID)
}

func TestContainerPick(t *testing.T) {
	f := newFake(t)
	f.answers["POST /containers/"+otherID+"/instance"] = `200 {"name":"attic","picked":"9f3c11d2a4b7e605"}`
	code, out, err := f.do("container", "pick", "attic", "9f3c")
	want(t, "pick", code, 0, out+err, "attic now belongs to the device 9f3c11d2a4b7e605")
	if !f.saw("POST /containers/" + otherID + `/instance {"instance":"9f3c"}`) {
		t.Errorf("got %q, want the instance", f.asked)
	}
	f.answers["POST /containers/"+otherID+"/instance"] = `200 {"name":"attic"}`
	code, out, err = f.do("container", "pick", "attic", "")
	want(t, "lift", code, 0, out+err, "attic belongs to no one device any more")
	if !f.saw("POST /containers/" + otherID + `/instance {"instance":""}`) {
		t.Errorf("got %q, want the choice lifted", f.asked)
	}
	f.answers["POST /containers/"+otherID+"/instance"] = `404 {"error":"no instance \"9f3d\" of this container; seen: 9f3c11d2a4b7e605"}`
	code, out, err = f.do("container", "pick", "attic", "9f3d")
	want(t, "pick nobody", code, exitError, out+err, "seen: 9f3c11d2a4b7e605")
	code, out, err = f.do("container", "pick", "-h")
	want(t, "help", code, 0, out+err, "longarm container pick shop-12 9f3c11d2a4b7e605\n")
}

func TestToken(t *testing.T) {
	f := newFake(t)
	f.answers["POST /tokens"] = `201 {"name":"alice","role":"viewer","token":"secret"}`
	f.answers["GET /tokens"] = `200 [{"name":"admin","role":"admin"},{"name":"alice","role":"viewer"}]`
	f.answers["DELETE /tokens/a%2Fb"] = "204 "
	code, out, err := f.do("token", "add", "alice", "-role", "viewer")
	want(t, "add", code, 0, err)
	if out != "secret\n" || !f.saw(`POST /tokens {"name":"alice","role":"viewer"}`) {
		t.Errorf("got %q after %q, want the secret alone", out, f.asked)
	}
	code, out, err = f.do("token", "add", "alice", "-json")
	want(t, "add -json", code, 0, out+err, `{"name":"alice","role":"viewer","token":"secret"}`)
	if !f.saw(`POST /tokens {"name":"alice","role":"operator"}`) {
		t.Errorf("got %q, want an operator by default", f.asked)
	}
	code, out, err = f.do("token", "ls")
	want(t, "ls", code, 0, out+err, "NAME   ROLE", "alice  viewer")
	code, out, err = f.do("token", "ls", "-json")
	want(t, "ls -json", code, 0, out+err, `[{"name":"admin",`)
	code, out, err = f.do("token", "rm", "a/b")
	want(t, "rm", code, 0, out+err, "the token a/b is gone")
	code, out, err = f.do("token", "rm", "nobody")
	want(t, "rm", code, 1, out+err, "no such thing")
	code, out, err = f.do("token", "add", "alice", "-role", "king")
	want(t, "bad role", code, 2, out+err, "viewer, operator or admin")
}
