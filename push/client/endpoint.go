package client

import (
	"net/url"
	"strconv"
	"sync"

	"longarm/push"
)

// endpoint is one URL of the service, with what every request to it starts
// with.
type endpoint struct {
	host   string // of the Host header, as configured
	name   string // that its certificate must have
	addr   string // host:port
	prefix string // of all paths, escaped, without a slash at its end

	query string // "apiKey=…" when the key travels there
	head  []byte // header lines that all requests share
	agent []byte // the User-Agent line; a poll, of which there are 80 an hour, goes without

	mu    sync.Mutex // guards known; never held over I/O
	known []string   // addresses that have worked, the newest first
}

// request is one of the few shapes that we send.
type request struct {
	method string
	path   string // below the prefix, escaped
	query  string // escaped, without the key
	poll   uint64 // x-longarm-poll; 0 sends none
	dedupe bool   // a poll
	body   []byte // JSON; nil sends none
}

// prepare builds the shared header lines. All values are visible ASCII.
func (e *endpoint) prepare(key string, inQuery bool, agent, instance string) {
	h := append([]byte(nil), "Host: "+e.host+"\r\n"...)
	e.agent = []byte("User-Agent: " + agent + "\r\n")
	if inQuery {
		e.query = "apiKey=" + url.QueryEscape(key)
	} else {
		h = append(h, push.HeaderKey+": "+key+"\r\n"...)
	}
	if instance != "" {
		h = append(h, push.HeaderInstance+": "+instance+"\r\n"...)
	}
	e.head = h
}

// append appends the request's bytes.
func (e *endpoint) append(dst []byte, r request) []byte {
	dst = append(dst, r.method...)
	dst = append(dst, ' ')
	dst = append(dst, e.prefix...)
	dst = append(dst, r.path...)
	mark := byte('?')
	for _, q := range [...]string{r.query, e.query} {
		if q != "" {
			dst = append(append(dst, mark), q...)
			mark = '&'
		}
	}
	dst = append(dst, " HTTP/1.1\r\n"...)
	dst = append(dst, e.head...)
	if !r.dedupe {
		dst = append(dst, e.agent...)
	}
	if r.poll > 0 {
		dst = append(dst, push.HeaderPoll+": "...)
		dst = append(strconv.AppendUint(dst, r.poll, 10), "\r\n"...)
	}
	if r.dedupe {
		dst = append(dst, push.HeaderDedupe+": 1\r\n"...)
	}
	if r.body != nil {
		dst = append(dst, "Content-Type: application/json\r\nContent-Length: "...)
		dst = append(strconv.AppendInt(dst, int64(len(r.body)), 10), "\r\n"...)
	}
	dst = append(dst, "\r\n"...)
	return append(dst, r.body...)
}
