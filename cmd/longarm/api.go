package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	requestLimit = 15 * time.Second // for a request that the service answers at once
	bodyLimit    = 32 << 20         // of an answer: the list of some 10,000 boxes
)

// api is the operator API of one service (design.md section 6). It is safe for
// concurrent use, follows no redirect and sends its token to one host alone.
type api struct {
	base  *url.URL
	token string
	http  *http.Client
}

func newAPI(base *url.URL, token string, pins []string) *api {
	dialer := &net.Dialer{
		Timeout:         10 * time.Second,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	return &api{base: base, token: token, http: &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer.DialContext,
			TLSClientConfig:     clientTLS(pins),
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 2,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// refusal is an answered error: the service was reached and said no.
type refusal struct {
	Status int
	Reason string // the service's sentence; may be empty
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the service answered %d %s: %s", r.Status, http.StatusText(r.Status), first(r.Reason, "no reason given"))
}

// request is one request to the operator API; path is escaped already.
type request struct {
	method, path string
	body         any           // sent as JSON; nil sends none
	key          string        // Idempotency-Key
	limit        time.Duration // 0 means requestLimit
}

// do sends r and returns the body of the answer, JSON or empty. The error is a
// *refusal when the service answered anything but 2xx.
func (a *api) do(ctx context.Context, r request) (json.RawMessage, error) {
	if r.limit == 0 {
		r.limit = requestLimit
	}
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	resp, err := a.open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(bytes.TrimSpace(body)) > 0 && !json.Valid(body) {
		return nil, fmt.Errorf("%s answered something that is not JSON: is it a Longarm service?", a.base.Host)
	}
	return body, nil
}

// open sends r and returns the answer with its body unread, if it is 2xx.
func (a *api) open(ctx context.Context, r request) (*http.Response, error) {
	var body io.Reader
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, a.base.String()+"/api/v1"+r.path, body)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("User-Agent", "longarm/"+versionText())
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, refused(resp)
	}
	return resp, nil
}

// refused reads the sentence of an error answer.
func refused(resp *http.Response) *refusal {
	r := &refusal{Status: resp.StatusCode}
	if at := resp.Header.Get("Location"); at != "" {
		r.Reason = "it redirects to " + at + ", which is not followed: give that URL instead"
		return r
	}
	var e struct{ Error, Message string }
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err == nil && json.Unmarshal(body, &e) == nil {
		r.Reason = clean(first(e.Error, e.Message))
	}
	return r
}

// get asks for path and decodes the answer into out.
func (a *api) get(ctx context.Context, path string, out any) error {
	body, err := a.do(ctx, request{method: http.MethodGet, path: path})
	if err != nil {
		return err
	}
	return decode(body, out)
}

// decode takes an answer apart. A field of another type than ours is a fault.
func decode(body json.RawMessage, out any) error {
	if len(body) == 0 {
		return errors.New("the service answered nothing where JSON was due")
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("understand the service's answer: %w", err)
	}
	return nil
}
