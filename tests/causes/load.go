package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"
)

// load does the same work every 20 ms, well below one core, so that its CPU follows the work and not the machine. The
// function parseOrders can be given more of it.
func load(dir string, length time.Duration, extra int) {
	check(os.MkdirAll(dir, 0o755))
	unit := calibrate()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	start := time.Now()
	for i := 0; time.Since(start) < length; i++ {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("cpu.%03d.pprof", i)))
		check(err)
		check(pprof.StartCPUProfile(f))
		for until := time.Now().Add(time.Second); time.Now().Before(until); <-tick.C {
			parseOrders(unit * 9 * (100 + extra) / 100)
			priceOrders(unit * 3)
			storeOrders(unit * 2)
		}
		pprof.StopCPUProfile()
		check(f.Close())
	}
}

// calibrate returns how many rounds of spin take about half a millisecond here; the smallest of several tries.
// WATCHFIRE_LOAD_UNIT sets it, so that two programs do equal work.
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
		spin(rounds)
		if took := time.Since(start); took < best {
			best = took
		}
	}
	return int(rounds * int64(500*time.Microsecond) / int64(best))
}

//go:noinline
func parseOrders(n int) { sink = spin(n) }

//go:noinline
func priceOrders(n int) { sink = spin(n) }

//go:noinline
func storeOrders(n int) { sink = spin(n) }

func spin(n int) uint64 {
	x := uint64(n)
	for i := 0; i < n; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}
