package doctor

import (
	"slices"
	"strings"
)

// macros stand in the findings' texts for what would be in them again and again;
// so do {config.txt} and {longarm.toml} for those files' names on this box.
var macros = [...][2]string{
	{"{drop-in}", "\nadd to /etc/systemd/system/" + agentUnit + ".d/local.conf:\n\t"},
	{"{root}", "\nrun as root:\n\t"},
	{"{boot}", "\nadd to {config.txt} under [all]:"},
	{"{rule}", "\nadd to /etc/udev/rules.d/60-longarm.rules:\n\t"},
	{"{hung}", ": a box that hangs stays hung until its power is cut"},
	{"{manager}", "\nadd to /etc/systemd/system.conf.d/longarm.conf:\n\t[Manager]\n\t%1"},
	{"{state}", "\nwrite in {longarm.toml}, with a folder that stays writable:\n\t[state]\n\tdir = \"/FOLDER\""},
	{"{port}", "\nwrite in {longarm.toml}:\n\t%2 = \"%3\""},
	{"{service}", "{drop-in}[Service]\n\t"},
	// Of pins: what happens, and the remedies; see checkPull for the arguments.
	{"{moves}", " at every boot: its relay may %2 (load %3)"},
	{"{preset}", "{boot}\n\tgpio=%0=p%5\n\tgpio=%0=op,d%6"},
	{"{resistor}", "\nfit, for the seconds before config.txt acts:\n\t10 kOhm from GPIO%0 %7"},
	{"{move}", "move it to a pin that is pulled %4:\n\t%8"},
	{"{other pin}", "\nor {move}"},
}

// unknown is a note that something can't be told.
const unknown = OK + 1

// say adds a finding: in its format %0 to %9 are the arguments, the first line
// is the sentence, the others are the remedy.
//
// The findings are texts and not values put together, and a check ends in one
// call, for the agent's size: it was twice as much otherwise.
func (b *box) say(s Severity, about, format string, args ...string) {
	for i := range macros {
		m := &macros[len(macros)-1-i] // the later may name the earlier
		format = strings.ReplaceAll(format, m[0], m[1])
	}
	for i, arg := range args {
		format = strings.ReplaceAll(format, "%"+string(rune('0'+i)), arg)
	}
	format = strings.ReplaceAll(strings.ReplaceAll(format, "{config.txt}", b.bootFile), "{longarm.toml}", b.spec.Config)
	text, remedy, _ := strings.Cut(format, "\n")
	if s == unknown {
		s, text = Note, "cannot tell: "+text
	}
	b.found = append(b.found, Finding{Severity: s, About: about, Text: text, Remedy: remedy})
}

// cannot says what can't be told, and which file does not tell it.
func (b *box) cannot(about, what, file string) {
	why := "%1 is not there"
	if b.real(file) != "" {
		why = "%1 can't be read, or says something else"
	}
	b.say(unknown, about, "%0: "+why, what, file)
}

// where gives the word of a text that a shorter one is in, as has says.
func where(text, word string) string {
	for _, w := range words(text) {
		if has(w, word) {
			return w
		}
	}
	return ""
}

// has says that a word is in a text, between any of the marks that part words
// in the files that we read.
func has(text, word string) bool {
	return slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == ',' || r == ':' }), word)
}

// words and split are slices and not sequences: a loop over a sequence is a
// function of its own, with twice the code.
func words(text string) []string          { return strings.Fields(text) }
func split(text, between string) []string { return strings.Split(text, between) }

// pick is one of two words.
func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}
