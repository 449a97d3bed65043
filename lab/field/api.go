package field

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"
)

// Container is what the service says of a box.
type Container struct {
	ID, Key, Name, State, Reason string
	Conflict                     bool
	OpenCalls                    int
	LastSeen                     string
	Report                       json.RawMessage
}

// Call is what the service says of a call.
type Call struct {
	MessageID, State string
	Late             bool
	Result           struct {
		Success bool
		Message string
		Data    Answer
	}
	At struct{ Queued, Delivered, Acknowledged, Closed string }
}

// Answer is the data of the agent's result (design: calls).
type Answer struct {
	State, Proof, Target, Verb, Load, Detail string
	Active                                   bool
	Edges                                    []struct {
		Active bool
		AtMS   int64 `json:"at_ms"`
	}
	TookMS int64 `json:"took_ms"`
}

type api struct {
	client *http.Client
	base   string
	token  string
}

func newAPI(t testing.TB, s *Service) *api {
	t.Helper()
	pem, err := os.ReadFile(s.file("tls.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	return &api{&http.Client{Transport: tr, Timeout: 100 * time.Second}, "https://127.0.0.1:" + s.Port + "/api/v1", s.Token}
}

func (a *api) do(method, path string, body, into any) error {
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequest(method, a.base+path, &b)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %d: %s", method, path, resp.StatusCode, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// Add makes a container on the service.
func (s *Service) Add(t testing.TB, name string) Container {
	t.Helper()
	var c Container
	if err := s.api.do("POST", "/containers", map[string]any{"name": name}, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// Look is what the service says of a container now.
func (s *Service) Look(t testing.TB, id string) Container {
	t.Helper()
	var c Container
	if err := s.api.do("GET", "/containers/"+id, nil, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// Send queues a call with a life of a minute.
func (s *Service) Send(t testing.TB, id, data string) Call {
	t.Helper()
	c, err := s.SendFor(t, id, data, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Follow waits until the call is closed, for at most limit (≤ 60 s), and gives its last state.
func (s *Service) Follow(t testing.TB, message string, limit time.Duration) Call {
	t.Helper()
	var c Call
	if err := s.api.do("GET", fmt.Sprintf("/calls/%s?wait=%dms", message, limit.Milliseconds()), nil, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// Do sends a call and waits for its end.
func (s *Service) Do(t testing.TB, id, data string) Call {
	t.Helper()
	return s.Follow(t, s.Send(t, id, data).MessageID, 55*time.Second)
}
