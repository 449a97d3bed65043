package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"longarm/push"
)

func read(s string) (response, error) {
	return readResponse(bufio.NewReader(strings.NewReader(s)))
}

func TestResponse(t *testing.T) {
	long := strings.Repeat("x", push.MaxBody)
	tests := []struct {
		name, in string
		status   int
		body     string
		last     bool
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false},
		{"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, "hi", false},
		{"no reason", "HTTP/1.1 404\r\n\r\n", 0, "", false},
		{"space and no reason", "HTTP/1.1 404 \r\nContent-Length:0\r\n\r\n", 404, "", false},
		{"same length twice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nhi", 200, "hi", false},
		{"close", "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", true},
		{"old version", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", true},
		{"old version that stays", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false},
		{"body until close", "HTTP/1.1 200 OK\r\n\r\nall the rest", 200, "all the rest", true},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n1;ext=1\r\n!\r\n0\r\n\r\n", 200, "hi!", false},
		{"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n", 200, "hi", false},
		{"no chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "", false},
		{"interim replies", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", false},
		{"no content with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi", 204, "", true},
		{"folded header", "HTTP/1.1 200 OK\r\nContent-Length:\r\n 2\r\n\r\nhi", 200, "hi", false},
		{"longest body", "HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + long, 200, long, false},
		{"long header", "HTTP/1.1 200 OK\r\nx: " + strings.Repeat("y", 15<<10) + "\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.status == 0 {
				tt.status, tt.last = 404, true
			}
			got, err := read(tt.in)
			if err != nil || got.status != tt.status || string(got.body) != tt.body || got.last != tt.last {
				t.Errorf("got %d %.40q last=%v, %v", got.status, got.body, got.last, err)
			}
		})
	}
}

func TestBadResponse(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	const chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"
	tests := []struct{ name, in, want string }{
		{"garbage", "220 mail.example.net ESMTP\r\n", "not HTTP/1.1"},
		{"other version", "HTTP/2.0 200 OK\r\n\r\n", "not HTTP/1.1"},
		{"bytes", "\x00\x01\x02\n", "not HTTP/1.1"},
		{"status in words", "HTTP/1.1 fine\r\n\r\n", "three digits"},
		{"status 099", "HTTP/1.1 099 x\r\n\r\n", "three digits"},
		{"cut in the status", "HTTP/1.1 20", "cut short"},
		{"cut in the header", ok + "Content-Le", "cut short"},
		{"cut in the body", ok + "Content-Length: 10\r\n\r\nhi", "cut short"},
		{"cut in a chunk", chunked + "5\r\nhi", "cut short"},
		{"cut before the last chunk", chunked + "2\r\nhi\r\n", "cut short"},
		{"endless header line", ok + "x: " + strings.Repeat("y", 1<<20), "header is longer than 16 KiB"},
		{"endless header", ok + strings.Repeat("x: y\r\n", 1<<15), "header is longer than 16 KiB"},
		{"endless interim replies", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1<<10), "header is longer than 16 KiB"},
		{"length and chunks", ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "both Content-Length"},
		{"two lengths", ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!", "two content lengths"},
		{"list of lengths", ok + "Content-Length: 2, 2\r\n\r\nhi", "no number"},
		{"signed length", ok + "Content-Length: +2\r\n\r\nhi", "no number"},
		{"negative length", ok + "Content-Length: -1\r\n\r\nhi", "no number"},
		{"empty length", ok + "Content-Length:\r\n\r\nhi", "no number"},
		{"10 MB", ok + "Content-Length: 10000000\r\n\r\n", "body is longer than 64 KiB"},
		{"10 MB until close", ok + "\r\n" + strings.Repeat("x", 10<<20), "body is longer than 64 KiB"},
		{"10 MB in chunks", chunked + strings.Repeat("8000\r\n"+strings.Repeat("x", 0x8000)+"\r\n", 320), "body is longer than 64 KiB"},
		{"huge chunk", chunked + "fffffffffffffff\r\n", "body is longer than 64 KiB"},
		{"overflowing chunk", chunked + "ffffffffffffffffff\r\n", "length is no number"},
		{"signed chunk", chunked + "+2\r\nhi\r\n0\r\n\r\n", "length is no number"},
		{"hex prefix", chunked + "0x2\r\nhi\r\n0\r\n\r\n", "length is no number"},
		{"underscore", chunked + "1_0\r\nhi\r\n0\r\n\r\n", "length is no number"},
		{"empty chunk line", chunked + "\r\n", "length is no number"},
		{"chunk line without CR", chunked + "2\nhi\r\n0\r\n\r\n", "CRLF"},
		{"chunk line of one line feed", chunked + "\n\n0", "CRLF"},
		{"chunk too long", chunked + "2\r\nhix\r\n0\r\n\r\n", "longer than it says"},
		{"chunk overhead", chunked + strings.Repeat("1;"+strings.Repeat("x", 1000)+"\r\ny\r\n", 20), "chunk overhead"},
		{"trailer with a bare line feed", chunked + "0\r\nx: y\n\r\n", "CRLF"},
		{"folded trailer", chunked + "0\r\nx: y\r\n z\r\n\r\n", "folded trailer"},
		{"endless trailers", chunked + "0\r\n" + strings.Repeat("x: y\r\n", 1<<15), "header is longer than 16 KiB"},
		{"gzip", ok + "Transfer-Encoding: gzip\r\n\r\n", "not supported"},
		{"two encodings", ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "not supported"},
		{"space before the colon", ok + "Content-Length : 2\r\n\r\nhi", "malformed"},
		{"no colon", ok + "hello\r\n\r\n", "malformed"},
		{"control character", ok + "x: a\x00b\r\n\r\n", "malformed"},
		{"header starts with a space", ok + " x: y\r\n\r\n", "starts with a space"},
		{"forbidden trailer", ok + "Trailer: x, Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "forbidden trailer"},
		{"switch", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "switched protocols"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(tt.in)
			if !errors.Is(err, ErrBadReply) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %d %.40q, %v, want %q", got.status, got.body, err, tt.want)
			}
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("the sentence is %d characters long", len(err.Error()))
			}
		})
	}
}

func TestBadReplyIsNotReadOn(t *testing.T) {
	r := &counting{r: io.LimitReader(zeroes{}, 10<<20), head: "HTTP/1.1 200 OK\r\n\r\n"}
	if _, err := readResponse(bufio.NewReader(r)); !errors.Is(err, ErrBadReply) {
		t.Fatal(err)
	}
	if r.n > 2*push.MaxBody {
		t.Errorf("read %d bytes of a body that is too long", r.n)
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type counting struct {
	r    io.Reader
	head string
	n    int
}

func (c *counting) Read(p []byte) (n int, err error) {
	if c.head != "" {
		n, c.head = copy(p, c.head), ""
		return n, nil
	}
	n, err = c.r.Read(p)
	c.n += n
	return n, err
}

// opinion is what net/http makes of a reply.
type opinion struct {
	*http.Response
	body []byte
	rest int  // bytes behind it
	odd  bool // it, or an interim reply before it, is no HTTP/1.x or has a status below 100
}

func oracle(in []byte) (o opinion, err error) {
	src := bytes.NewReader(in)
	br := bufio.NewReaderSize(src, 1<<17)
	for {
		o.Response, err = http.ReadResponse(br, nil)
		if err != nil {
			return o, err
		}
		o.odd = o.odd || o.ProtoMajor != 1 || o.StatusCode < 100
		if o.StatusCode < 100 || o.StatusCode > 199 || o.StatusCode == 101 {
			break
		}
	}
	defer o.Body.Close()
	o.body, err = io.ReadAll(o.Body)
	o.rest = br.Buffered() + src.Len()
	return o, err
}

func FuzzResponse(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
		"HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\nTrailer: a\r\n\r\n2;x\r\nhi\r\n0\r\na: b\r\n\r\nHTTP/1.1",
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nrest",
		"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nhi",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: https://x/?k=1\r\nContent-Length:\r\n 0\r\nRetry-After: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
		"HTTP/1.1 304 \nConnection: close\n\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		src := bytes.NewReader(in)
		br := bufio.NewReader(src)
		got, err := readResponse(br)
		want, fault := oracle(in)
		switch {
		case err != nil && (fault != nil || documented(err, in, want)):
		case err != nil:
			t.Fatalf("net/http takes %d %q, we do not: %v", want.StatusCode, want.body, err)
		case fault != nil:
			t.Fatalf("we take %d %q, net/http does not: %v", got.status, got.body, fault)
		case got.status != want.StatusCode || !bytes.Equal(got.body, want.body):
			t.Fatalf("got %d %q, net/http %d %q", got.status, got.body, want.StatusCode, want.body)
		case !got.last && want.Close:
			t.Fatal("we would use the connection again, net/http would not")
		case got.last && !want.Close && got.status != 204 && got.status != 304:
			t.Fatal("net/http would use the connection again, we would not")
		case !got.last && br.Buffered()+src.Len() != want.rest:
			t.Fatalf("we leave %d bytes to the next reply, net/http %d", br.Buffered()+src.Len(), want.rest)
		}
	})
}

// documented reports whether a refusal is one of those that readResponse
// names.
func documented(err error, in []byte, o opinion) bool {
	text := err.Error()
	for _, known := range []string{
		"header is longer", "body is longer", "both Content-Length", "switched protocols", "forbidden trailer", "chunk overhead",
		"does not end with CRLF", "folded trailer", // of a chunk's line net/http wants CRLF, too
	} {
		if strings.Contains(text, known) {
			return true
		}
	}
	switch {
	case o.odd:
		return true
	case strings.Contains(text, "malformed"):
		return spaceInName(in)
	case strings.Contains(text, "transfer encoding"):
		return !o.ProtoAtLeast(1, 1) || o.StatusCode < 200 || o.StatusCode == 204 || o.StatusCode == 304
	case strings.Contains(text, "content length"):
		return o.StatusCode == 204 || o.StatusCode == 304 || len(o.TransferEncoding) > 0
	}
	return false
}

func spaceInName(in []byte) bool {
	for line := range bytes.Lines(in) {
		if name, _, ok := bytes.Cut(line, []byte(":")); ok && bytes.Contains(name, []byte(" ")) {
			return true
		}
	}
	return false
}
