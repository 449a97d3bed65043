package service

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"longarm/push"
)

// readBody takes the whole body, at most push.MaxBody. A poll's body too: only then the server notices that its client
// goes away.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, push.MaxBody))
	if _, big := errors.AsType[*http.MaxBytesError](err); big {
		return nil, refusal{status: http.StatusRequestEntityTooLarge, message: "body too big: want at most 64 KiB"}
	}
	if err != nil {
		return nil, refusal{status: http.StatusBadRequest, message: "body not read to its end"}
	}
	return body, refusal{}
}

// givenKey finds the key in each of its places (protocol.md 7): the header, the query in any case, the body.
func givenKey(r *http.Request, body []byte) string {
	if key := r.Header.Get(push.HeaderKey); key != "" {
		return key
	}
	if key := anyCase(r.URL.Query(), "apiKey"); key != "" {
		return key
	}
	return bodyField(body, "apiKey")
}

// bodyField takes one string out of a body that may be JSON or a form, with or without a Content-Type.
func bodyField(body []byte, name string) string {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return ""
	}
	if body[0] == '{' {
		var fields map[string]json.RawMessage
		var value string
		if json.Unmarshal(body, &fields) != nil || json.Unmarshal(fields[name], &value) != nil {
			return ""
		}
		return value
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	return anyCase(form, name)
}

func anyCase(values url.Values, name string) string {
	for key, v := range values {
		if strings.EqualFold(key, name) && v[0] != "" {
			return v[0]
		}
	}
	return ""
}

// admit finds the container of a request and holds its key against the one that was given.
func (s *Service) admit(r *http.Request, id string, body []byte) (*box, refusal) {
	key := givenKey(r, body)
	if key == "" {
		return nil, refusal{status: http.StatusUnauthorized, message: "no key: want it in the header x-api-key or as apiKey"}
	}
	hash := hashKey(key)
	b := s.boxes.find(id)
	switch {
	case b != nil && sameHash(b.registered().KeyHash, hash):
		return b, refusal{}
	case !s.boxes.knowsKey(hash):
		return nil, refusal{status: http.StatusUnauthorized, message: "wrong key"}
	case b == nil:
		return nil, refusal{status: http.StatusNotFound, message: "unknown container"}
	}
	return nil, refusal{status: http.StatusForbidden, message: "this key belongs to another container"}
}

func sameHash(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
