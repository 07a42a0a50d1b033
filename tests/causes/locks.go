package main

import (
	"runtime"
	"sync"
)

func init() {
	causes["locks"] = cause{plant: func(running func() bool) {
		var c counter
		workers(4*runtime.GOMAXPROCS(0), running, func(int) { c.bump() })
	}, lookalike: func(running func() bool) {
		counters := make([]counter, 64)
		workers(1, running, func(w int) { counters[w].bumpAlone() })
	}}
}

type counter struct {
	mu sync.Mutex
	n  uint64
	_  [64]byte
}

// workers runs work in n goroutines, in rounds long enough that asking the clock is nothing.
func workers(n int, running func() bool, work func(worker int)) {
	var all sync.WaitGroup
	for w := 0; w < n; w++ {
		all.Add(1)
		go func(w int) {
			defer all.Done()
			for running() {
				for i := 0; i < 100; i++ {
					work(w)
				}
			}
		}(w)
	}
	all.Wait()
}

// bump holds one lock that all want for a very short time.
//
//go:noinline
func (c *counter) bump() {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
}

// bumpAlone takes a lock that nobody else wants.
//
//go:noinline
func (c *counter) bumpAlone() {
	c.mu.Lock()
	c.n += spin(20) & 1
	c.mu.Unlock()
}
