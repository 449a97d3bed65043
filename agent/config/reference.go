package config

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"longarm/device/board"
)

// Reference writes every section and key with its type, default, range and
// meaning as Markdown tables, from the same table that the checks use.
func Reference(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# The box's config\n\nA TOML file, strict: one key = value a line, unknown keys are faults. `longarm-agent check` names every\nfault at once; `longarm-agent config-reference` prints this page.\n")
	for _, k := range rows {
		if k.key == "" {
			k.intro(&b)
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.key, kindNames[k.kind], k.defaults(), k.limits(), k.doc)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (k *key) intro(b *strings.Builder) {
	fmt.Fprintf(b, "\n## `%s`\n\n%s%s.", k.heading(), strings.ToUpper(k.doc[:1]), k.doc[1:])
	b.WriteString("\n\n| key | type | default | range | meaning |\n|---|---|---|---|---|\n")
}

func (k *key) defaults() string {
	switch {
	case k.need:
		return "required"
	case k.derived != "":
		return k.derived
	case k.kind == isBool || k.kind == isCount:
		return k.def
	}
	return fmt.Sprintf("`%q`", k.def)
}

func (k *key) limits() string {
	switch k.kind {
	case isCount:
		if k.ends {
			return fmt.Sprintf("%d or %d", k.min, k.max)
		}
		return fmt.Sprintf("%d to %d (%s)", k.min, k.max, k.unit)
	case isSpan:
		if k.never {
			return short(k.min) + " to " + short(k.max) + ", or `never`"
		}
		return short(k.min) + " to " + short(k.max)
	case isList:
		return fmt.Sprintf("%d to %d", k.min, k.max)
	case isName:
		return "`[a-z0-9][a-z0-9-]{0,31}`"
	case isWord:
		return k.choices()
	}
	return ""
}

// choices marks the drivers that are known but not served.
func (k *key) choices() string {
	words := slices.Clone(k.words)
	for i, w := range words {
		words[i] = fmt.Sprintf("`%q`", w)
		if _, err := board.Find(w); err != nil && k.key == "driver" {
			words[i] += " (not served yet)"
		}
	}
	return strings.Join(words, ", ")
}
