package main

import "fmt"

func init() {
	causes["string_building"] = cause{plant: func(running func() bool) {
		for running() {
			sink = renderInvoice(40)
		}
	}, lookalike: func(running func() bool) {
		page := make([]byte, 0, 64<<10)
		for running() {
			page = fillPage(page[:0])
		}
	}}
}

//go:noinline
func renderInvoice(lines int) string {
	text := ""
	for i := 0; i < lines; i++ {
		text += fmt.Sprintf("item %d: %s\n", i, "a blue one")
	}
	return text
}

// fillPage writes text, too, but into one buffer that is large enough.
//
//go:noinline
func fillPage(page []byte) []byte {
	for i := 0; len(page)+8 < cap(page); i++ {
		page = append(page, byte('a'+i%26), ' ', byte('0'+i%10))
	}
	return page
}
