package main

import (
	"sync"
	"time"
)

func init() {
	causes["lock_contention"] = cause{plant: func(running func() bool) {
		var l ledger
		workers(8, running, func(int) {
			if running() {
				l.holdLedger()
			}
		})
	}, lookalike: func(running func() bool) {
		ledgers := make([]ledger, 8)
		workers(8, running, func(w int) {
			if running() {
				ledgers[w].holdShard()
			}
		})
	}, waits: true}
}

type ledger struct {
	mu sync.Mutex
	_  [64]byte
}

// holdLedger sleeps with the lock that all others wait for.
//
//go:noinline
func (l *ledger) holdLedger() {
	l.mu.Lock()
	defer l.mu.Unlock()
	time.Sleep(2 * time.Millisecond)
}

// holdShard does the same with a lock that is the worker's own.
//
//go:noinline
func (l *ledger) holdShard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	time.Sleep(2 * time.Millisecond)
}
