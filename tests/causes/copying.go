package main

func init() {
	causes["copying"] = cause{plant: func(running func() bool) {
		from, to := make([]byte, 4<<20), make([]byte, 4<<20)
		for running() {
			cloneBuffer(to, from)
		}
	}, lookalike: func(running func() bool) {
		from := make([]byte, 4<<20)
		for running() {
			sumBuffer(from)
		}
	}}
}

//go:noinline
func cloneBuffer(to, from []byte) { copy(to, from) }

// sumBuffer reads as much memory and copies none of it.
//
//go:noinline
func sumBuffer(from []byte) (sum int) {
	for _, b := range from {
		sum += int(b)
	}
	return sum
}
