package main

import (
	"compress/gzip"
	"io"
)

func init() {
	causes["compression"] = cause{plant: func(running func() bool) {
		body := textOf(64 << 10)
		for running() {
			packReply(body)
		}
	}, lookalike: func(running func() bool) {
		body := textOf(64 << 10)
		out := make([]byte, 0, len(body))
		for running() {
			out = compressSpaces(out[:0], body)
		}
	}}
}

func textOf(n int) []byte {
	text := make([]byte, n)
	for i := range text {
		text[i] = "the quick  brown fox   jumps"[(i*i/7)%28]
	}
	return text
}

//go:noinline
func packReply(body []byte) {
	w := gzip.NewWriter(io.Discard)
	w.Write(body)
	check(w.Close())
}

// compressSpaces is called so, but only leaves out blanks that follow another.
//
//go:noinline
func compressSpaces(out, body []byte) []byte {
	blank := false
	for _, c := range body {
		if c != ' ' || !blank {
			out = append(out, c)
		}
		blank = c == ' '
	}
	return out
}
