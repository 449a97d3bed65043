package device

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"longarm/push/jsontext"
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
	members, err := jsontext.Members([]byte(data))
	if err != nil {
		return nil, fmt.Errorf("command is not whole JSON: %s: %w", jsonForm, err)
	}
	fields := map[string][]byte{"target": nil, "verb": nil, "args": nil}
	for _, m := range members {
		switch value, known := fields[m.Key]; {
		case !known:
			return nil, fmt.Errorf("command has the unknown field %s: %s", quote(m.Key), jsonForm)
		case value != nil:
			return nil, fmt.Errorf("command has the field %s twice: %s", quote(m.Key), jsonForm)
		}
		fields[m.Key] = m.Value
	}
	target, targeted := jsontext.String(fields["target"])
	verb, verbed := jsontext.String(fields["verb"])
	args, listed := jsonArgs(fields["args"])
	switch {
	case fields["target"] == nil || fields["verb"] == nil:
		return nil, errors.New("command lacks its target or its verb: " + jsonForm)
	case !targeted:
		return nil, wrongField("target")
	case !verbed:
		return nil, wrongField("verb")
	case !listed:
		return nil, wrongField("args")
	}
	return append([]string{target, verb}, args...), nil
}

func wrongField(name string) error {
	return fmt.Errorf("field %s of the command: %s, with text in it", name, jsonForm)
}

// jsonArgs reads a list of texts; nil is an empty one.
func jsonArgs(list []byte) (args []string, ok bool) {
	if list == nil {
		return nil, true
	}
	elements, err := jsontext.Elements(list)
	for _, e := range elements {
		arg, ok := jsontext.String(e)
		if !ok {
			return nil, false
		}
		args = append(args, arg)
	}
	return args, err == nil
}

// quote shows foreign text, cut short, so that a sentence stays one.
func quote(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
