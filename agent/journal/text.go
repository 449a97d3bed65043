package journal

import (
	"fmt"
	"strconv"
	"time"

	"longarm/push/jsontext"
)

// text is the record as JSON: the keys of its tags, zero values left out.
func (r record) text() []byte {
	dst := text([]byte{'{'}, "k", r.Kind)
	dst = number(dst, "v", uint64(r.Version))
	dst = truth(dst, "whole", r.Whole)
	dst = number(dst, "n", r.Seq)
	dst = text(dst, "id", r.ID)
	dst = text(dst, "c", r.Container)
	if r.Sum != (digest{}) {
		hexed, _ := r.Sum.MarshalText() // cannot fail
		dst = text(dst, "h", string(hexed))
	}
	dst = text(dst, "d", r.Data)
	dst = number(dst, "s", uint64(r.State))
	if r.Begun != nil {
		dst = r.Begun.append(jsontext.AppendKey(dst, "b"))
	}
	if len(r.More) > 0 {
		dst = append(jsontext.AppendKey(dst, "more"), '[')
		for _, b := range r.More {
			dst = b.append(jsontext.AppendComma(dst))
		}
		dst = append(dst, ']')
	}
	dst = text(dst, "r", r.Result)
	dst = truth(dst, "rep", r.Reported)
	dst = text(dst, "t", r.Target)
	dst = text(dst, "key", r.Key)
	return append(text(dst, "val", r.Value), '}')
}

func (b Begun) append(dst []byte) []byte {
	dst = text(append(dst, '{'), "target", b.Target)
	dst = text(dst, "verb", b.Verb)
	dst = text(dst, "kind", b.Kind)
	dst = text(dst, "boot", b.BootID)
	if b.Deadline != 0 {
		dst = strconv.AppendInt(jsontext.AppendKey(dst, "deadline"), int64(b.Deadline), 10)
	}
	return append(dst, '}')
}

func text(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return jsontext.AppendString(jsontext.AppendKey(dst, key), value)
}

func number(dst []byte, key string, n uint64) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendUint(jsontext.AppendKey(dst, key), n, 10)
}

func truth(dst []byte, key string, v bool) []byte {
	if !v {
		return dst
	}
	return append(jsontext.AppendKey(dst, key), "true"...)
}

// read takes what text wrote; the error says what is no record.
func (r *record) read(payload []byte) error {
	members, err := jsontext.Members(payload)
	for _, m := range members {
		if err == nil {
			err = r.member(m)
		}
	}
	return err
}

func (r *record) member(m jsontext.Member) (err error) {
	switch m.Key {
	case "k":
		return readText(m, &r.Kind)
	case "v":
		return readInt(m, &r.Version)
	case "whole":
		return readTruth(m, &r.Whole)
	case "n":
		r.Seq, err = strconv.ParseUint(string(m.Value), 10, 64)
	case "id":
		return readText(m, &r.ID)
	case "c":
		return readText(m, &r.Container)
	case "h":
		var hexed string
		if err = readText(m, &hexed); err == nil {
			err = r.Sum.UnmarshalText([]byte(hexed))
		}
	case "d":
		return readText(m, &r.Data)
	case "s":
		return readInt(m, &r.State)
	case "b":
		r.Begun = new(Begun)
		return r.Begun.read(m.Value)
	case "more":
		r.More, err = readBegun(m.Value)
	case "r":
		return readText(m, &r.Result)
	case "rep":
		return readTruth(m, &r.Reported)
	case "t":
		return readText(m, &r.Target)
	case "key":
		return readText(m, &r.Key)
	case "val":
		return readText(m, &r.Value)
	}
	return err
}

func readBegun(list []byte) (all []Begun, err error) {
	elements, err := jsontext.Elements(list)
	for _, e := range elements {
		var b Begun
		if err == nil {
			err = b.read(e)
		}
		all = append(all, b)
	}
	return all, err
}

func (b *Begun) read(object []byte) error {
	members, err := jsontext.Members(object)
	for _, m := range members {
		if err != nil {
			break
		}
		switch m.Key {
		case "target":
			err = readText(m, &b.Target)
		case "verb":
			err = readText(m, &b.Verb)
		case "kind":
			err = readText(m, &b.Kind)
		case "boot":
			err = readText(m, &b.BootID)
		case "deadline":
			err = readInt(m, &b.Deadline)
		}
	}
	return err
}

func readText(m jsontext.Member, dst *string) error {
	s, ok := jsontext.String(m.Value)
	if !ok {
		return fmt.Errorf("%s: want a string", m.Key)
	}
	*dst = s
	return nil
}

func readInt[T int | State | time.Duration](m jsontext.Member, dst *T) error {
	n, err := strconv.ParseInt(string(m.Value), 10, 64)
	*dst = T(n)
	return err
}

func readTruth(m jsontext.Member, dst *bool) error {
	*dst = string(m.Value) == "true"
	if !*dst && string(m.Value) != "false" {
		return fmt.Errorf("%s: want true or false", m.Key)
	}
	return nil
}
