package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"longarm/push"
)

// callDoc is a call as the operator API shows it (design.md section 6).
type callDoc struct {
	MessageID string       `json:"messageId"`
	Container string       `json:"container"`
	Data      string       `json:"data"`
	State     string       `json:"state"`
	Late      bool         `json:"late"`
	Sender    string       `json:"sender"`
	Result    *push.Result `json:"result"`
	At        callTimes    `json:"at"`
}

// callTimes are the service's wall-clock times of a call's steps; zero until
// the step was taken.
type callTimes struct {
	Queued       time.Time `json:"queued"`
	Delivered    time.Time `json:"delivered"`
	Acknowledged time.Time `json:"acknowledged"`
	Closed       time.Time `json:"closed"`
}

// answer is what our agent puts into a result's data (design.md section 2).
type answer struct {
	State  string `json:"state"`
	Proof  string `json:"proof"`
	Target string `json:"target"`
	Verb   string `json:"verb"`
	Active bool   `json:"active"`
	Load   string `json:"load"`
	Edges  []struct {
		Active bool  `json:"active"`
		AtMS   int64 `json:"at_ms"`
	} `json:"edges"`
	TookMS int64  `json:"took_ms"`
	Detail string `json:"detail"`
}

// containerDoc is a container as the operator API shows it.
type containerDoc struct {
	ID                  string        `json:"id"`
	Name                string        `json:"name"`
	State               string        `json:"state"`
	Flapping            bool          `json:"flapping"`
	Conflict            bool          `json:"conflict"`
	LastSeen            time.Time     `json:"lastSeen"`
	Reason              string        `json:"reason"`
	OpenCalls           int           `json:"openCalls"`
	MaxHeartbeatTimeout int           `json:"maxHeartbeatTimeout"` // minutes
	Buttons             []buttonDoc   `json:"buttons"`
	MayCall             []string      `json:"mayCall"` // ids of the containers that it may call by itself
	Report              *push.Report  `json:"report"`
	Instances           []instanceDoc `json:"instances"` // while two boxes use the key or one is picked
	Picked              string        `json:"picked"`    // the one instance that may act; "" is any
}

type buttonDoc struct {
	Text string `json:"text"`
	Data string `json:"data"`
}

// instanceDoc is one agent that was heard with the container's key.
type instanceDoc struct {
	Instance string    `json:"instance"`
	LastSeen time.Time `json:"lastSeen"`
}

// notes say in words what the state alone does not.
func (d containerDoc) notes() []string {
	var n []string
	if d.State == "signed-off" {
		n = append(n, "signed off: "+first(clean(d.Reason), "no reason given"))
	}
	if d.Conflict {
		n = append(n, "two devices use this container")
	}
	if d.Flapping {
		n = append(n, "flapping")
	}
	if d.Reason != "" && len(n) == 0 { // else it says the same again
		n = append(n, clean(d.Reason))
	}
	if d.Picked != "" {
		n = append(n, "device "+clean(d.Picked)+" is picked")
	}
	if d.Report != nil && len(d.Report.Agent.Faults) > 0 {
		n = append(n, fmt.Sprintf("%d faults on the box", len(d.Report.Agent.Faults)))
	}
	return n
}

// containers lists all that the token may see, by name.
func (a *api) containers(ctx context.Context) ([]containerDoc, json.RawMessage, error) {
	raw, err := a.do(ctx, request{method: "GET", path: "/containers"})
	if err != nil {
		return nil, nil, err
	}
	var list []containerDoc
	if err := decode(raw, &list); err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(list, func(x, y containerDoc) int { return strings.Compare(x.Name, y.Name) })
	return list, raw, nil
}

// change sends body to what is below a container's path, and gives the container as it is
// then.
func (a *api) change(ctx context.Context, nameOrID, method, below string, body any) (containerDoc, error) {
	d, err := a.find(ctx, nameOrID)
	if err != nil {
		return d, err
	}
	raw, err := a.do(ctx, request{method: method, path: containerPath(d.ID) + below, body: body})
	if err != nil {
		return d, err
	}
	changed := containerDoc{Name: d.Name}
	return changed, decode(raw, &changed)
}

// find returns the one container of that name or id. Our service takes a name
// in the path; the list serves one that does not, and to say what was meant. A
// name that two share is an error that lists their ids.
func (a *api) find(ctx context.Context, nameOrID string) (containerDoc, error) {
	var found containerDoc
	err := a.get(ctx, containerPath(nameOrID), &found)
	if r, ok := errors.AsType[*refusal](err); err == nil || !ok || r.Status != http.StatusNotFound {
		return found, err
	}
	list, _, err := a.containers(ctx)
	if err != nil {
		return found, err
	}
	var ids []string
	for _, d := range list {
		if push.EqualID(d.ID, nameOrID) {
			return d, nil
		}
		if d.Name == nameOrID {
			found, ids = d, append(ids, d.ID)
		}
	}
	switch len(ids) {
	case 0:
		return found, notFound(list, nameOrID)
	case 1:
		return found, nil
	}
	return found, fmt.Errorf("%d containers are called %q; say which by its id: %s", len(ids), nameOrID, strings.Join(ids, ", "))
}

// notFound names what may have been meant.
func notFound(list []containerDoc, name string) error {
	var near []string
	for _, d := range list {
		if distance(d.Name, name) <= 2 || strings.EqualFold(d.Name, name) {
			near = append(near, clean(d.Name))
		}
	}
	if len(near) > 0 {
		return fmt.Errorf("no container is called %q; did you mean %s?", name, strings.Join(near[:min(len(near), 3)], " or "))
	}
	return fmt.Errorf("no container is called %q; `longarm ls` lists them", name)
}

// containerPath is the API's path of a container.
func containerPath(id string) string { return "/containers/" + url.PathEscape(id) }
