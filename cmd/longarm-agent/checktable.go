package main

import "strings"

// tableWidth is that of the narrowest terminal in use.
const tableWidth = 80

// blank is what is left of a line.
const blank = "                                                                                "

// columns says where each ends: KIND, NAME, WHERE, NOW, AT START, PROOF.
var columns = [...]int{10, 23, 40, 53, 69, tableWidth}

// fill puts the words in the places of the % in a text.
func fill(text string, words ...string) string {
	for i, part := range strings.Split(text, "%") {
		if i == 0 {
			text = part
			continue
		}
		text += words[i-1] + part
	}
	return text
}

// row writes a row of the table, filled. Its cells are told apart by tabs, and
// each is wrapped in its column. The last cell of a row that has fewer gets the
// rest of the line. What is wider than its column, such as a path, ends its
// line: the cells after it begin below.
func (k *checker) row(text string, words ...string) {
	cells := strings.SplitN(fill(text, words...), "\t", len(columns))
	for strings.Join(cells, "") != "" {
		line, start := "", 0
		for i, cell := range cells {
			end := columns[i]
			if i == len(cells)-1 {
				end = tableWidth
			}
			piece, rest := wrap(cell, end-start)
			if piece != "" {
				line += blank[len(line):start] + piece
			}
			cells[i] = rest
			if start = end + 2; len(line) > end {
				break
			}
		}
		k.table.WriteString(line + "\n")
	}
}

// wrap takes the words that fit into a width, at least one.
func wrap(text string, width int) (piece, rest string) {
	if len(text) <= width {
		return text, ""
	}
	end := strings.LastIndexByte(text[:width+1], ' ')
	if end < 0 {
		end = strings.IndexByte(text, ' ')
	}
	if end < 0 {
		return text, ""
	}
	return text[:end], text[end+1:]
}
