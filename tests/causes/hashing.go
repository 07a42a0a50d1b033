package main

import (
	"crypto/sha256"
	"fmt"
)

func init() {
	causes["hashing"] = cause{plant: func(running func() bool) {
		body := make([]byte, 16<<10)
		for running() {
			signReply(body)
		}
	}, lookalike: func(running func() bool) {
		stock, keys := map[string]int{}, []string{}
		for i := 0; i < 1000; i++ {
			keys = append(keys, fmt.Sprint("a rather long key of the warehouse ", i))
			stock[keys[i]] = i
		}
		for running() {
			countStock(stock, keys)
		}
	}}
}

//go:noinline
func signReply(body []byte) [32]byte { return sha256.Sum256(body) }

// countStock looks keys up: that hashes them inside the runtime, which is no hashing of the user's.
//
//go:noinline
func countStock(stock map[string]int, keys []string) (n int) {
	for _, k := range keys {
		n += stock[k]
	}
	return n
}
