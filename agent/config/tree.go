package config

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

// shape is what a value looks like in the file, whatever its key wants.
type shape int

const (
	aText shape = iota
	aNumber
	aBool
	aFraction // 1.5, inf, nan
	aTime     // a date or a time of day
	aList
	aTable
)

// value is one value with its line. In a list of [[tables]] the items are tables.
type value struct {
	shape shape
	line  int
	text  string // a text's content; of the other plain shapes what the file says
	items []*value
	table *table
}

// table is a TOML table: its keys in the order of the file.
type table struct {
	line   int // of its heading or first key
	order  []string
	values map[string]*value
	closed bool   // has had its heading: another one is a duplicate
	cut    bool   // a syntax error stands in it: what it lacks may follow the error
	wrong  []flaw // what the tree could not take in
}

// flaw is a key or heading that collides with an earlier one.
type flaw struct {
	line      int
	key       string // "" = the table itself
	want, got string
}

// longestKey bounds the parts of a dotted key; the parser bounds how deep
// lists and inline tables may nest.
const longestKey = 4

func newTable(line int) *table { return &table{line: line, values: map[string]*value{}} }

// tree reads the expressions of the file up to its end or its first syntax
// error. It holds no opinion about keys.
func (r *reader) tree(data []byte) *table {
	data = slices.Clip(bytes.TrimPrefix(data, []byte("\ufeff")))
	root := newTable(1)
	good, bad := clean(data)
	b := builder{root: root, cur: root, data: good, lines: newLines(data)}
	var p unstable.Parser
	p.Reset(good)
	for p.NextExpression() {
		b.expression(p.Expression())
	}
	switch err := p.Error(); {
	case bad != "":
		r.faultAt(b.lines.at(len(good)), "syntax", "UTF-8 text", bad)
		b.cur.cut, r.cut = true, true
	case err != nil:
		r.syntax(&b, err)
	}
	return root
}

// clean is what comes before the line with the first byte that no text has.
func clean(data []byte) (good []byte, bad string) {
	at := bytes.IndexByte(data, 0)
	if at >= 0 {
		bad = "a NUL byte"
	}
	if !utf8.Valid(data) {
		i := 0
		for i < len(data) {
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		if at < 0 || i < at {
			at, bad = i, "bytes that are not UTF-8"
		}
	}
	if at < 0 {
		return data, ""
	}
	return slices.Clip(data[:bytes.LastIndexByte(data[:at], '\n')+1]), bad
}

// lines finds the line of an offset.
type lines []int

func newLines(data []byte) lines {
	starts := lines{0}
	for i, c := range data {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

func (l lines) at(offset int) int {
	i, found := slices.BinarySearch(l, offset)
	if found {
		return i + 1
	}
	return i
}
