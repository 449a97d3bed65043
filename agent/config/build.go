package config

import (
	"strconv"

	"github.com/pelletier/go-toml/v2/unstable"
)

// builder puts one expression after the other into the tree.
type builder struct {
	root, cur *table
	data      []byte
	lines     lines
	end       int // offset where the last expression ended
}

func (b *builder) expression(n *unstable.Node) {
	switch n.Kind {
	case unstable.Table, unstable.ArrayTable:
		parts, line := b.key(n)
		for b.end < len(b.data) && (b.data[b.end] == ']' || b.data[b.end] == ' ' || b.data[b.end] == '\t') {
			b.end++
		}
		b.cur = b.heading(parts, line, n.Kind == unstable.ArrayTable)
	case unstable.KeyValue:
		b.put(b.cur, n)
		b.end = int(n.Raw.Offset + n.Raw.Length)
	}
}

// key returns the parts of a key and its line, and moves end behind it.
func (b *builder) key(n *unstable.Node) (parts []string, line int) {
	for it := n.Key(); it.Next(); {
		k := it.Node()
		parts = append(parts, string(k.Data))
		if line == 0 {
			line = b.lines.at(int(k.Raw.Offset))
		}
		b.end = int(k.Raw.Offset + k.Raw.Length)
	}
	return parts, line
}

// heading opens [parts] or [[parts]]. A heading that cannot be gives a table
// that hangs nowhere, so that its keys go nowhere either.
func (b *builder) heading(parts []string, line int, many bool) *table {
	t, flawed := b.walk(b.root, parts, line)
	if flawed {
		return newTable(line)
	}
	last := parts[len(parts)-1]
	v, there := t.values[last]
	switch {
	case !there && many:
		v = &value{shape: aList, line: line}
		t.set(last, v)
		fallthrough
	case there && many && v.grows():
		n := newTable(line)
		n.closed = true
		v.items = append(v.items, &value{shape: aTable, line: line, table: n})
		return n
	case !there:
		v = &value{shape: aTable, line: line, table: newTable(line)}
		v.table.closed = true
		t.set(last, v)
		return v.table
	case !many && v.shape == aTable && !v.table.closed:
		v.table.closed, v.table.line, v.line = true, line, line
		return v.table
	case !many && v.shape == aTable:
		v.table.wrong = append(v.table.wrong, flaw{line: line, want: "one [" + last + "] (line " + strconv.Itoa(v.line) + " has it)", got: "another one"})
		return v.table
	}
	t.wrong = append(t.wrong, flaw{line: line, key: last, want: "one kind of " + show(last) + " (line " + strconv.Itoa(v.line) + " has another)", got: "a table"})
	return newTable(line)
}

// walk goes down to the table that holds the last of the parts.
func (b *builder) walk(t *table, parts []string, line int) (_ *table, flawed bool) {
	if len(parts) > longestKey {
		t.wrong = append(t.wrong, flaw{line: line, key: parts[0], want: "at most 4 parts in a key", got: strconv.Itoa(len(parts))})
		return nil, true
	}
	for _, p := range parts[:len(parts)-1] {
		v, there := t.values[p]
		switch {
		case !there:
			v = &value{shape: aTable, line: line, table: newTable(line)}
			t.set(p, v)
			t = v.table
		case v.shape == aTable:
			t = v.table
		case v.grows() && len(v.items) > 0:
			t = v.items[len(v.items)-1].table
		default:
			t.wrong = append(t.wrong, flaw{line: line, key: p, want: "one value (line " + strconv.Itoa(v.line) + " has it)", got: "a table"})
			return nil, true
		}
	}
	return t, false
}

// put takes in key = value.
func (b *builder) put(t *table, n *unstable.Node) {
	parts, line := b.key(n)
	t, flawed := b.walk(t, parts, line)
	if flawed {
		return
	}
	last := parts[len(parts)-1]
	if old, there := t.values[last]; there {
		t.wrong = append(t.wrong, flaw{line: line, key: last, want: "it once (line " + strconv.Itoa(old.line) + " has it)", got: "it again"})
		return
	}
	t.set(last, b.value(n.Value(), line))
}

// value copies a value out of the parser. Its line is that of its key, or in
// a list its own.
func (b *builder) value(n *unstable.Node, line int) *value {
	v := &value{line: line}
	switch n.Kind {
	case unstable.String:
		v.shape, v.text = aText, string(n.Data)
	case unstable.Integer:
		v.shape, v.text = aNumber, string(n.Data)
	case unstable.Bool:
		v.shape, v.text = aBool, string(n.Data)
	case unstable.Float:
		v.shape, v.text = aFraction, string(n.Data)
	case unstable.Array:
		v.shape = aList
	case unstable.InlineTable:
		v.shape, v.table = aTable, newTable(line)
		v.table.closed = true
	default:
		v.shape, v.text = aTime, string(n.Data)
	}
	if v.shape == aList || v.shape == aTable {
		b.inside(v, n)
	}
	return v
}

func (b *builder) inside(v *value, n *unstable.Node) {
	for it := n.Children(); it.Next(); {
		child := it.Node()
		if v.shape == aTable {
			b.put(v.table, child)
			continue
		}
		line := v.line
		if child.Raw.Length > 0 {
			line = b.lines.at(int(child.Raw.Offset))
		}
		v.items = append(v.items, b.value(child, line))
	}
}

func (t *table) set(name string, v *value) {
	t.order = append(t.order, name)
	t.values[name] = v
}

// grows says that another [[table]] can follow v's last one.
func (v *value) grows() bool {
	n := len(v.items)
	return v.shape == aList && (n == 0 || v.items[n-1].shape == aTable)
}

// tables says that v is a list of nothing but tables.
func (v *value) tables() bool {
	if v.shape != aList {
		return false
	}
	for _, item := range v.items {
		if item.shape != aTable {
			return false
		}
	}
	return true
}
