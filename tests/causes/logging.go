package main

import (
	"log"
	"math"
)

func init() {
	causes["logging"] = cause{plant: func(running func() bool) {
		logger := log.New(devNull(), "shop ", log.LstdFlags)
		for running() {
			handleRequest(logger, "/cart", 17)
		}
	}, lookalike: func(running func() bool) {
		var l auditLog
		for running() {
			for i := 0; i < 1000; i++ {
				l.logEntry(float64(i))
			}
		}
	}}
}

//go:noinline
func handleRequest(logger *log.Logger, path string, items int) {
	logger.Printf("request path=%s items=%d", path, items)
}

// auditLog is a ring of numbers that is only called a log, and its numbers are logarithms.
type auditLog struct {
	entries [256]float64
	next    uint8
}

//go:noinline
func (l *auditLog) logEntry(v float64) {
	l.entries[l.next] = math.Log(v + 1)
	l.next++
}
