package device

import (
	"maps"
	"slices"
	"strconv"

	"longarm/push/jsontext"
)

// Append appends the answer as JSON: exactly the keys of its tags, in their order.
func (a Answer) Append(dst []byte) []byte {
	dst = text(append(dst, '{'), "state", a.State)
	dst = text(dst, "proof", a.Proof)
	dst = text(dst, "target", a.Target)
	dst = text(dst, "verb", a.Verb)
	dst = strconv.AppendBool(jsontext.AppendKey(dst, "active"), a.Active)
	dst = text(dst, "load", a.Load)
	dst = append(jsontext.AppendKey(dst, "edges"), '[')
	for _, e := range a.Edges {
		dst = strconv.AppendBool(append(jsontext.AppendComma(dst), `{"active":`...), e.Active)
		dst = append(strconv.AppendInt(append(dst, `,"at_ms":`...), e.AtMS, 10), '}')
	}
	dst = strconv.AppendInt(jsontext.AppendKey(append(dst, ']'), "took_ms"), a.TookMS, 10)
	dst = text(dst, "detail", a.Detail)
	if len(a.Reply) > 0 {
		dst = append(jsontext.AppendKey(dst, "reply"), '{')
		for _, name := range slices.Sorted(maps.Keys(a.Reply)) {
			dst = text(dst, name, a.Reply[name])
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func text(dst []byte, key, value string) []byte {
	return jsontext.AppendString(jsontext.AppendKey(dst, key), value)
}
