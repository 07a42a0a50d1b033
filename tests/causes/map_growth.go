package main

func init() {
	causes["map_growth"] = cause{plant: func(running func() bool) {
		for running() {
			indexOrders(50000)
		}
	}, lookalike: func(running func() bool) {
		totals := make(map[int]int, 50000)
		for i := 0; i < 50000; i++ {
			totals[i] = i
		}
		for running() {
			updateTotals(totals)
		}
	}}
}

//go:noinline
func indexOrders(n int) map[int]int {
	index := map[int]int{}
	for i := 0; i < n; i++ {
		index[i*7919] = i
	}
	return index
}

// updateTotals writes into a map that has all its keys already.
//
//go:noinline
func updateTotals(totals map[int]int) {
	for i := 0; i < 50000; i++ {
		totals[i]++
	}
}
