package main

import "regexp"

func init() {
	causes["regex_compile"] = cause{plant: func(running func() bool) {
		for running() {
			validateOrder("order-4711-blue")
		}
	}, lookalike: func(running func() bool) {
		for running() {
			matchOrder("order-4711-blue")
		}
	}}
}

//go:noinline
func validateOrder(id string) bool {
	return regexp.MustCompile(`^order-([0-9]+)-(red|green|blue)$`).MatchString(id)
}

var orderPattern = regexp.MustCompile(`^order-([0-9]+)-(red|green|blue)$`)

//go:noinline
func matchOrder(id string) bool { return orderPattern.MatchString(id) }
