package main

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"
)

const (
	ticksPerFile = 50
	tick         = 20 * time.Millisecond
)

// load does the same work in every tick, well below one core, so that its CPU follows the work and not the machine;
// what it could not do in time it catches up with. Its order and its pauses vary, so that it is in step with no clock
// of the kernel. The function parseOrders can be given more work.
func load(dir string, length time.Duration, extra int) {
	check(os.MkdirAll(dir, 0o755))
	unit := calibrate()
	random := rand.New(rand.NewSource(1))
	next := time.Now()
	for i := 0; i < int(length/(ticksPerFile*tick)); i++ {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("cpu.%03d.pprof", i)))
		check(err)
		check(pprof.StartCPUProfile(f))
		for t := 0; t < ticksPerFile; t++ {
			for _, part := range random.Perm(20) {
				switch {
				case part < 17:
					parseOrders(unit * (100 + extra) / 100)
				case part < 19:
					priceOrders(unit)
				default:
					storeOrders(unit)
				}
			}
			next = next.Add(tick)
			time.Sleep(time.Until(next) + time.Duration(random.Int63n(int64(tick/4))))
		}
		pprof.StopCPUProfile()
		check(f.Close())
	}
}

// calibrate returns how many rounds take about half a millisecond here, or what WATCHFIRE_LOAD_UNIT says, so that two
// programs do equal work.
func calibrate() int {
	if text := os.Getenv("WATCHFIRE_LOAD_UNIT"); text != "" {
		unit := 0
		_, err := fmt.Sscan(text, &unit)
		check(err)
		return unit
	}
	const rounds = 1 << 20
	best := time.Hour
	for i := 0; i < 20; i++ {
		start := time.Now()
		parseOrders(rounds)
		if took := time.Since(start); took < best {
			best = took
		}
	}
	return int(rounds * int64(500*time.Microsecond) / int64(best))
}

//go:noinline
func parseOrders(n int) {
	x := uint64(n)
	for i := 0; i < n; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	sink = x
}

//go:noinline
func priceOrders(n int) {
	x := uint64(n)
	for i := 0; i < n; i++ {
		x ^= x << 7
		x ^= x >> 9
		x ^= x << 8
	}
	sink = x
}

//go:noinline
func storeOrders(n int) {
	x := uint64(n)
	for i := 0; i < n; i++ {
		x ^= x << 21
		x ^= x >> 35
		x ^= x << 4
	}
	sink = x
}
