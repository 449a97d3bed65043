package config

import "time"

// kind is the type of a key's value.
type kind int

const (
	isText   kind = iota // any text but an empty one
	isName               // a name of ours: lower case letters, digits and -
	isPath               // a file or device
	isBool               // true or false
	isCount              // a whole number
	isSpan               // a duration as text: "500ms"
	isWord               // one of words
	isList               // a list of texts
	isTable              // [section]
	isTables             // [[section]], any number of them
)

var kindNames = [...]string{
	isText: "text", isName: "name", isPath: "path", isBool: "boolean", isCount: "integer", isSpan: "duration",
	isWord: "word", isList: "list of texts", isTable: "table", isTables: "list of tables",
}

// key is one row of the table of everything a file may say. A row whose key
// is "" is the section itself.
type key struct {
	section, key string
	kind         kind
	need         bool
	def          string   // default as the file would say it; "" = none
	derived      string   // says what happens without the key when def cannot
	words        []string // of a word; drivers carry their own marks
	never        bool     // a span that may also be "never"
	min, max     int64    // of a count; of a span in nanoseconds; of a list how many
	ends         bool     // a count that is min or max and nothing between
	unit         string   // of a count
	doc          string
}

// row finds a key; its second result is false when there is no such key.
// Inlined into all that ask for a default it would add 28 KB to the agent.
//
//go:noinline
func row(section, name string) (*key, bool) {
	for i := range rows {
		if k := &rows[i]; k.section == section && k.key == name {
			return k, true
		}
	}
	return new(key), false
}

// keysOf lists the keys of a section in the order of the table.
func keysOf(section string) (names []string) {
	for _, k := range rows {
		if k.section == section && k.key != "" {
			names = append(names, k.key)
		}
	}
	return names
}

// heading is how a file opens the section.
func (k *key) heading() string {
	if k.kind == isTables {
		return "[[" + k.section + "]]"
	}
	return "[" + k.section + "]"
}

// span bounds, in nanoseconds.
const (
	usec = int64(time.Microsecond)
	msec = int64(time.Millisecond)
	sec  = int64(time.Second)
	mins = int64(time.Minute)
	hour = int64(time.Hour)
	day  = 24 * hour
)
