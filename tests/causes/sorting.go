package main

import "sort"

func init() {
	causes["sorting"] = cause{plant: func(running func() bool) {
		for running() {
			rankOrders(20000)
		}
	}, lookalike: func(running func() bool) {
		prices := make([]int, 100000)
		for i := range prices {
			prices[i] = 3 * i
		}
		for running() {
			findPrices(prices, 1000)
		}
	}}
}

//go:noinline
func rankOrders(n int) {
	orders := make([]uint64, n)
	for i := range orders {
		orders[i] = uint64(i) * 0x9E3779B97F4A7C15
	}
	sort.Slice(orders, func(i, j int) bool { return orders[i] < orders[j] })
}

// findPrices uses package sort, but sorts nothing.
//
//go:noinline
func findPrices(prices []int, n int) (found int) {
	for i := 0; i < n; i++ {
		want := i * 7919 % 300000
		found += sort.Search(len(prices), func(k int) bool { return prices[k] >= want })
		found += sort.SearchInts(prices, want)
	}
	return found
}
