package main

import "time"

func init() {
	causes["heap_growth"] = cause{plant: func(running func() bool) {
		var sessions [][]byte
		for running() {
			sessions = append(sessions, rememberSession(1<<20))
			time.Sleep(10 * time.Millisecond)
		}
		sink = sessions
	}, lookalike: func(running func() bool) {
		cache := make([][]byte, 100)
		for i := range cache {
			cache[i] = renewSession(1 << 20)
		}
		for i := 0; running(); i++ {
			cache[i%len(cache)] = renewSession(1 << 20)
			time.Sleep(10 * time.Millisecond)
		}
		sink = cache
	}, waits: true}
}

// rememberSession makes what nobody ever forgets.
//
//go:noinline
func rememberSession(size int) []byte { return make([]byte, size) }

// renewSession makes as much, in place of an older one.
//
//go:noinline
func renewSession(size int) []byte { return make([]byte, size) }
