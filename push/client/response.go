package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"longarm/push"
)

// maxHeader bounds the status line and all header and trailer lines of one
// reply, interim replies included, in bytes.
const maxHeader = 16 << 10

// ErrBadReply says that the bytes that came back are no HTTP/1.1 reply within
// our limits: garbage, cut short, too long, or ambiguous. The connection is
// closed. The text around it says which.
var ErrBadReply = errors.New("bad reply")

// response is one whole reply.
type response struct {
	status int
	header header
	body   []byte
	// last is set when the connection can not be used again.
	last bool
}

// reader reads replies off one connection.
type reader struct {
	br   *bufio.Reader
	left int // bytes of header that the current reply may still have
}

// readResponse reads one reply with its body (RFC 9112). Interim replies (1xx)
// are skipped.
//
// It is stricter than net/http in these points: a space in a header's name or
// before its colon, Content-Length beside Transfer-Encoding, a Transfer-Encoding
// other than chunked in any version or status, a bad or second Content-Length
// that would not have been used, a status outside 100 to 999, another version
// than HTTP/1.x, a forbidden name in Trailer, a folded trailer or one that ends
// with a bare LF, and 101 are errors; so is what exceeds [maxHeader] or
// [push.MaxBody].
func readResponse(br *bufio.Reader) (response, error) {
	r := reader{br: br, left: maxHeader}
	for {
		resp, minor, err := r.head()
		if err != nil {
			return response{}, err
		}
		if resp.status == 101 {
			return response{}, fmt.Errorf("%w: the service switched protocols unasked", ErrBadReply)
		}
		if resp.status >= 200 {
			err = r.body(&resp, minor)
			return resp, err
		}
	}
}

// head reads the status line and the header.
func (r *reader) head() (resp response, minor byte, err error) {
	line, err := r.line()
	if err != nil {
		return resp, 0, err
	}
	resp.status, minor, err = statusLine(line)
	if err != nil {
		return resp, 0, err
	}
	block, err := r.block()
	if err != nil {
		return resp, 0, err
	}
	resp.header, err = parseHeader(block)
	resp.last = !resp.header.persists(minor)
	return resp, minor, err
}

func statusLine(line []byte) (status int, minor byte, err error) {
	version, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(version) != 8 || !bytes.HasPrefix(version, []byte("HTTP/1.")) || !digit(version[7]) {
		return 0, 0, fmt.Errorf("%w: not HTTP/1.1, it starts with %q", ErrBadReply, line[:min(len(line), 40)])
	}
	code, _, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	if len(code) != 3 || !digit(code[0]) || !digit(code[1]) || !digit(code[2]) || code[0] == '0' {
		return 0, 0, fmt.Errorf("%w: status %q is no number of three digits", ErrBadReply, code[:min(len(code), 40)])
	}
	return int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0'), version[7], nil
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// line reads one line without its end, which is CRLF or LF.
func (r *reader) line() ([]byte, error) {
	line, err := r.raw()
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

// raw reads one line with its end. The bytes are valid until the next read.
func (r *reader) raw() ([]byte, error) {
	part, err := r.br.ReadSlice('\n')
	if err == nil && len(part) <= r.left {
		r.left -= len(part)
		return part, nil
	}
	whole := append([]byte(nil), part...)
	for errors.Is(err, bufio.ErrBufferFull) && len(whole) <= r.left {
		part, err = r.br.ReadSlice('\n')
		whole = append(whole, part...)
	}
	switch {
	case len(whole) > r.left:
		return nil, fmt.Errorf("%w: its header is longer than %d KiB", ErrBadReply, maxHeader>>10)
	case err != nil:
		return nil, cut(err)
	}
	r.left -= len(whole)
	return whole, nil
}

// block reads header lines up to the empty one and joins folded lines. Each
// line in it ends with LF.
func (r *reader) block() ([]byte, error) {
	var block []byte
	for {
		line, err := r.line()
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			return block, nil
		}
		if folded := line[0] == ' ' || line[0] == '\t'; folded && len(block) == 0 {
			return nil, fmt.Errorf("%w: its header starts with a space", ErrBadReply)
		} else if folded {
			block[len(block)-1] = ' '
		}
		block = append(append(block, line...), '\n')
	}
}

// body reads the body as RFC 9112 section 6.3 says.
func (r *reader) body(resp *response, minor byte) (err error) {
	h := &resp.header
	chunked := h.chunked && minor > '0' // HTTP/1.0 knows no Transfer-Encoding
	switch {
	case h.chunked && h.length >= 0:
		return fmt.Errorf("%w: it has both Content-Length and Transfer-Encoding", ErrBadReply)
	case resp.status == 204 || resp.status == 304:
		// No body follows; a peer that announces one is not trusted further.
		resp.last = resp.last || chunked || (h.length > 0 && resp.status == 204)
		return nil
	case chunked:
		resp.body, err = r.chunks()
	case h.length > push.MaxBody:
		return errLongBody
	case h.length >= 0:
		resp.body = make([]byte, h.length)
		_, err = io.ReadFull(r.br, resp.body)
		err = cut(err)
	default:
		resp.last = true
		resp.body, err = r.toEnd()
	}
	return err
}

var errLongBody = fmt.Errorf("%w: its body is longer than %d KiB", ErrBadReply, push.MaxBody>>10)

func (r *reader) toEnd() ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.br, push.MaxBody+1))
	if err == nil && len(body) > push.MaxBody {
		return nil, errLongBody
	}
	return body, err
}

// chunks reads a chunked body and its trailers, which are checked and dropped
// (RFC 9112, section 7.1).
func (r *reader) chunks() ([]byte, error) {
	body := []byte{}
	for excess := 0; ; {
		r.left = maxHeader
		size, length, err := r.chunkSize()
		if err != nil {
			return nil, err
		}
		if size == 0 {
			return body, r.trailers()
		}
		// Lines that are much longer than what they carry are an attack; the
		// measure is net/http's.
		if excess = max(0, excess+length-16-2*size); excess > maxHeader {
			return nil, fmt.Errorf("%w: too much chunk overhead", ErrBadReply)
		}
		if len(body)+size > push.MaxBody {
			return nil, errLongBody
		}
		body = append(body, make([]byte, size)...)
		if _, err := io.ReadFull(r.br, body[len(body)-size:]); err != nil {
			return nil, cut(err)
		}
		var end [2]byte
		if _, err := io.ReadFull(r.br, end[:]); err != nil {
			return nil, cut(err)
		}
		if end != [2]byte{'\r', '\n'} {
			return nil, fmt.Errorf("%w: a chunk is longer than it says", ErrBadReply)
		}
	}
}

// chunkSize reads a chunk's first line; length is that line's, in bytes.
func (r *reader) chunkSize() (size, length int, err error) {
	line, err := r.strict()
	if err != nil {
		return 0, 0, err
	}
	length = len(line) + 2
	digits, _, _ := bytes.Cut(bytes.TrimRight(line, " \t"), []byte(";"))
	n, err := strconv.ParseUint(string(digits), 16, 63)
	switch {
	case err != nil || len(digits) > 16 || length > 4096:
		return 0, 0, fmt.Errorf("%w: a chunk's length is no number", ErrBadReply)
	case n > push.MaxBody:
		return 0, 0, errLongBody
	}
	return int(n), length, nil
}

// strict reads a line that must end with CRLF and hold no other CR.
func (r *reader) strict() ([]byte, error) {
	line, err := r.raw()
	if err != nil {
		return nil, err
	}
	if i := bytes.IndexByte(line, '\r'); i < 0 || i != len(line)-2 {
		return nil, fmt.Errorf("%w: a line of the chunked body does not end with CRLF", ErrBadReply)
	}
	return line[:len(line)-2], nil
}

func (r *reader) trailers() error {
	var block []byte
	for {
		line, err := r.strict()
		if err != nil {
			return err
		}
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			return fmt.Errorf("%w: a folded trailer", ErrBadReply)
		}
		block = append(append(block, line...), '\n')
	}
	_, err := parseHeader(block)
	return err
}

// cut names the end of input in the middle of a reply for what it is.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut short: %w", ErrBadReply, io.ErrUnexpectedEOF)
	}
	return err
}
