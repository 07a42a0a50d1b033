package main

import (
	"bufio"
	"os"
)

func init() {
	causes["syscalls"] = cause{plant: func(running func() bool) {
		f := devNull()
		for running() {
			writeBytes(f, 1000)
		}
	}, lookalike: func(running func() bool) {
		out := bufio.NewWriterSize(devNull(), 1<<20)
		for running() {
			writeBuffered(out, 1000)
		}
	}}
}

func devNull() *os.File {
	f, err := os.OpenFile("/dev/null", os.O_WRONLY, 0)
	check(err)
	return f
}

var line = []byte("x")

//go:noinline
func writeBytes(f *os.File, n int) {
	for i := 0; i < n; i++ {
		f.Write(line)
	}
}

//go:noinline
func writeBuffered(out *bufio.Writer, n int) {
	for i := 0; i < n; i++ {
		out.Write(line)
	}
}
