package main

import "runtime/debug"

func init() {
	causes["page_returning"] = cause{plant: func(running func() bool) {
		for running() {
			dropCaches(16 << 20)
		}
	}, lookalike: func(running func() bool) {
		buffer := make([]byte, 64<<20)
		for running() {
			touchPages(buffer, 4096)
		}
	}}
}

// dropCaches makes large buffers that have to be zeroed, and gives their pages back to the kernel.
//
//go:noinline
func dropCaches(size int) {
	for i := 0; i < 16; i++ {
		touchPages(make([]byte, size), 1<<20)
	}
	debug.FreeOSMemory()
}

//go:noinline
func touchPages(buffer []byte, step int) {
	for i := 0; i < len(buffer); i += step {
		buffer[i]++
	}
}
