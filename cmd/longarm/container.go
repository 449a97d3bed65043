package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

func container(ctx context.Context, c command) int {
	return dispatch(ctx, []verb{
		{"add", "make a container and the key for its box", containerAdd},
		{"ls", "the same as longarm ls", ls},
		{"grant", "say which containers a box may call by itself", containerGrant},
		{"pick", "say which of two boxes with one key is the right one", containerPick},
	}, "longarm container", c)
}

// buttons collects -button flags.
type buttons []buttonDoc

func (b *buttons) String() string { return "" }

func (b *buttons) Set(s string) error {
	text, data, ok := strings.Cut(s, "=")
	text, data = strings.TrimSpace(text), strings.TrimSpace(data)
	if !ok || text == "" || data == "" {
		return errors.New("want 'TEXT=CALL', such as 'Restart router=router cycle 10s'")
	}
	*b = append(*b, buttonDoc{text, data})
	return nil
}

// grants collects -may-call flags.
type grants []string

func (g *grants) String() string { return "" }

func (g *grants) Set(s string) error {
	if s = strings.TrimSpace(s); s == "" {
		return errors.New("want a container's id or name")
	}
	*g = append(*g, s)
	return nil
}

const containerAddHelp = `container add NAME [-timeout 20m] [-button 'TEXT=CALL']… [-may-call ID]…

Makes a container, the service's side of one box, and prints its id and key as
JSON. The key is shown this once; it belongs into the key file of the box. With
-may-call triggers of the box may call these other containers.

  longarm container add shop-12
  longarm container add shop-12 -timeout 5m \
          -button 'Restart router=router cycle 10s' -button 'Siren=siren on 30s'
  longarm container add gate -may-call shop-12
`

func containerAdd(ctx context.Context, c command) int {
	var t target
	var press buttons
	var mayCall grants
	f := c.newFlags("container add", containerAddHelp)
	timeout := f.Duration("timeout", 20*time.Minute, "call the box offline after this long without a heartbeat: whole minutes,\n5m and more are wise")
	id := f.String("id", "", "use this `ID` instead of a random one")
	f.Var(&press, "button", "a remote button, `'TEXT=CALL'`; may be given several times")
	f.Var(&mayCall, "may-call", "a container, by `ID` or name, that this one may call; may be given several times")
	t.flag(f)
	words, code, done := f.parse(1, 1)
	if done {
		return code
	}
	if strings.TrimSpace(words[0]) == "" {
		return f.wrong("a container needs a name")
	}
	if *timeout < time.Minute || *timeout%time.Minute != 0 {
		return f.wrong("-timeout must be whole minutes, 1m or more, got %v", *timeout)
	}
	a, err := c.connect(t)
	if err != nil {
		return c.fault(nil, err)
	}
	type body struct {
		ID                  string      `json:"id,omitempty"`
		Name                string      `json:"name"`
		MaxHeartbeatTimeout int         `json:"maxHeartbeatTimeout"`
		Buttons             []buttonDoc `json:"buttons,omitempty"`
		MayCall             grants      `json:"mayCall,omitempty"`
	}
	raw, err := a.do(ctx, request{method: "POST", path: "/containers",
		body: body{*id, words[0], int(*timeout / time.Minute), press, mayCall}})
	if err != nil {
		return c.fault(a, err)
	}
	return c.json(raw)
}

const containerGrantHelp = `container grant NAME-OR-ID [OTHER]…

Says which other containers, by name or id, a container may call by itself: a
trigger of one box switches something at another. It replaces what was said
before; with no OTHER the container may call none.

  longarm container grant gate shop-12 attic
  longarm container grant gate
`

func containerGrant(ctx context.Context, c command) int {
	var t target
	f := c.newFlags("container grant", containerGrantHelp)
	t.flag(f)
	words, code, done := f.parse(1, -1)
	if done {
		return code
	}
	a, err := c.connect(t)
	if err != nil {
		return c.fault(nil, err)
	}
	changed, err := a.change(ctx, words[0], "PATCH", "", struct {
		MayCall []string `json:"mayCall"`
	}{append([]string{}, words[1:]...)})
	if err != nil {
		return c.fault(a, err)
	}
	may := "no other container"
	if len(changed.MayCall) > 0 {
		may = clean(strings.Join(changed.MayCall, ", "))
	}
	_, err = fmt.Fprintf(c.stdout, "%s may call %s\n", clean(changed.Name), may)
	return c.written(err)
}

const containerPickHelp = `container pick NAME-OR-ID INSTANCE

While two boxes use one key the service refuses calls, since a relay must not
move at the wrong site. pick says which one is right; longarm ls NAME shows the
instances. The first characters of one are enough, 4 or more. Give the other box
its own container; "" then lets any box in again.

  longarm container pick shop-12 9f3c11d2a4b7e605
  longarm container pick shop-12 9f3c
  longarm container pick shop-12 ""
`

func containerPick(ctx context.Context, c command) int {
	var t target
	f := c.newFlags("container pick", containerPickHelp)
	t.flag(f)
	words, code, done := f.parse(2, 2)
	if done {
		return code
	}
	a, err := c.connect(t)
	if err != nil {
		return c.fault(nil, err)
	}
	picked, err := a.change(ctx, words[0], "POST", "/instance", struct {
		Instance string `json:"instance"`
	}{words[1]})
	if err != nil {
		return c.fault(a, err)
	}
	if words[1] == "" {
		_, err = fmt.Fprintf(c.stdout, "%s belongs to no one device any more\n", clean(picked.Name))
	} else {
		_, err = fmt.Fprintf(c.stdout, "%s now belongs to the device %s\n", clean(picked.Name), clean(first(picked.Picked, words[1])))
	}
	return c.written(err)
}
