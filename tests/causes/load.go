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

// load writes profiles of equal work a second, well below one core, until there are as many as wanted or the time is
// over. Its order and its pauses vary, so that it is in step with no clock of the kernel. A second in which the machine
// was too busy for the work is no equal load: its profile is removed. parseOrders can be given more work.
func load(dir string, length time.Duration, files, extra int) {
	check(os.MkdirAll(dir, 0o755))
	unit := calibrate()
	random := rand.New(rand.NewSource(1))
	start := time.Now()
	for made := 0; made < files && time.Since(start) < length; {
		path := filepath.Join(dir, fmt.Sprintf("cpu.%03d.pprof", made))
		f, err := os.Create(path)
		check(err)
		check(pprof.StartCPUProfile(f))
		begin := time.Now()
		workTicks(begin, random, unit, extra)
		took := time.Since(begin)
		pprof.StopCPUProfile()
		check(f.Close())
		if took > ticksPerFile*tick*21/20 {
			check(os.Remove(path))
		} else {
			made++
		}
	}
}

func workTicks(begin time.Time, random *rand.Rand, unit, extra int) {
	for t := 1; t <= ticksPerFile; t++ {
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
		late := time.Duration(random.Int63n(int64(tick / 4)))
		time.Sleep(time.Until(begin.Add(time.Duration(t)*tick + late)))
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
