package device

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxCommand is the longest text of a command in bytes.
const MaxCommand = 1 << 10

// Command is one instruction to one target: TARGET VERB [ARG…].
type Command struct {
	Target, Verb string
	Args         []string
}

// String is the command as a line of words; ParseCommand reads it back.
func (c Command) String() string {
	return strings.Join(append([]string{c.Target, c.Verb}, c.Args...), " ")
}

// Equal says whether both commands are the same words.
func (c Command) Equal(d Command) bool {
	return c.Target == d.Target && c.Verb == d.Verb && slices.Equal(c.Args, d.Args)
}

// ParseCommand reads a call's data (design.md section 2): a line of words, or
// the same as a JSON object {"target","verb","args"}. It knows no targets and
// no verbs; every error is a sentence that says what would be right.
func ParseCommand(data string) (Command, error) {
	switch {
	case len(data) > MaxCommand:
		return Command{}, fmt.Errorf("command of %d bytes: want at most %d", len(data), MaxCommand)
	case !utf8.ValidString(data):
		return Command{}, errors.New("command is not text: want UTF-8")
	}
	var words []string
	var err error
	if strings.HasPrefix(strings.TrimLeft(data, " \t\r\n"), "{") {
		words, err = jsonWords(data)
	} else {
		words = strings.Split(data, " ")
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	}
	if err != nil {
		return Command{}, err
	}
	for _, w := range words {
		if err := checkWord(w); err != nil {
			return Command{}, err
		}
	}
	switch len(words) {
	case 0:
		return Command{}, errors.New(`empty command: want TARGET VERB, such as "router cycle 10s"`)
	case 1:
		return Command{}, fmt.Errorf("command %s has no verb: want TARGET VERB, such as \"router cycle 10s\"", quote(words[0]))
	}
	c := Command{Target: words[0], Verb: words[1]}
	if len(words) > 2 {
		c.Args = words[2:]
	}
	return c, nil
}

// checkWord refuses what no line of words can hold.
func checkWord(w string) error {
	for _, r := range w {
		switch {
		case r == ' ':
			return fmt.Errorf("word %s has a space: want one word an argument", quote(w))
		case unicode.IsControl(r):
			return fmt.Errorf("command has the control character %U: want plain words with single spaces", r)
		case !unicode.IsPrint(r):
			return fmt.Errorf("command has the invisible character %U: want plain words", r)
		}
	}
	if w == "" {
		return errors.New("command has an empty word: leave it out")
	}
	return nil
}

const jsonForm = `want {"target":"router","verb":"cycle","args":["10s"]}`

// jsonWords reads the JSON form: exact keys, each at most once, nothing after it.
func jsonWords(data string) ([]string, error) {
	d := json.NewDecoder(strings.NewReader(data))
	var target, verb *string
	var args []string
	seen := make(map[string]bool)
	for key, err := range jsonKeys(d) {
		switch {
		case err != nil:
			return nil, fmt.Errorf("command is not whole JSON: %s: %w", jsonForm, err)
		case seen[key]:
			return nil, fmt.Errorf("command has the field %s twice: %s", quote(key), jsonForm)
		}
		seen[key] = true
		switch key {
		case "target":
			err = d.Decode(&target)
		case "verb":
			err = d.Decode(&verb)
		case "args":
			args, err = jsonArgs(d)
		default:
			return nil, fmt.Errorf("command has the unknown field %s: %s", quote(key), jsonForm)
		}
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, fmt.Errorf("field %s of the command: %s, with text in it", key, jsonForm) // Go's own words help nobody
		}
		if err != nil {
			return nil, fmt.Errorf("field %s of the command: %s, with text in it: %w", key, jsonForm, err)
		}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("command goes on after its JSON object: " + jsonForm)
	}
	if target == nil || verb == nil {
		return nil, errors.New("command lacks its target or its verb: " + jsonForm)
	}
	return append([]string{*target, *verb}, args...), nil
}

// jsonKeys reads one object; the loop's body decodes each key's value.
func jsonKeys(d *json.Decoder) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if _, err := d.Token(); err != nil { // the brace
			yield("", err)
			return
		}
		for d.More() {
			t, err := d.Token()
			key, _ := t.(string) // a key is always text, else err says so
			if !yield(key, err) || err != nil {
				return
			}
		}
		if _, err := d.Token(); err != nil {
			yield("", err)
		}
	}
}

// jsonArgs reads a list of texts; null in it, or for it, is a wrong type.
func jsonArgs(d *json.Decoder) ([]string, error) {
	var list []*string
	if err := d.Decode(&list); err != nil {
		return nil, err
	}
	if list == nil {
		return nil, errors.New("null is no list")
	}
	var args []string
	for _, a := range list {
		if a == nil {
			return nil, errors.New("null is no text")
		}
		args = append(args, *a)
	}
	return args, nil
}

// quote shows foreign text, cut short, so that a sentence stays one.
func quote(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
