package main

func init() {
	causes["allocation_churn"] = cause{plant: func(running func() bool) {
		for running() {
			sink = makeTokens(1000)
		}
	}, lookalike: func(running func() bool) {
		tokens := makeTokens(1000)
		for running() {
			fillTokens(tokens)
		}
	}}
}

type token struct{ kind, start, end int }

//go:noinline
func makeTokens(n int) []*token {
	tokens := make([]*token, n)
	for i := range tokens {
		tokens[i] = &token{kind: i % 7, start: i, end: i + 1}
	}
	return tokens
}

// fillTokens makes the same tokens in memory that is there already.
//
//go:noinline
func fillTokens(tokens []*token) {
	for i, t := range tokens {
		*t = token{kind: i % 7, start: i, end: i + 1}
	}
}
