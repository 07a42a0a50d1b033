// Causes plants one cause of cost at a time, or something that only looks like it, and profiles itself.
//
//	causes [-seconds 2] plant|lookalike CLASS DIR    writes DIR/base and DIR/now
//	causes [-seconds 80] [-extra 30] load DIR        writes CPU profiles of a second of equal load each into DIR
//	causes list                                      prints the classes
//	causes unit                                      prints a unit of work for WATCHFIRE_LOAD_UNIT
//
// A workload ends after so many seconds of CPU, so that a busy machine gives as many samples as an idle one; one that
// mostly waits ends by the clock. DIR/now holds CPU, heap, mutex and goroutine profiles of the whole run, DIR/base the heap and the goroutines in its
// middle. Each plant has one function to blame, which the class's file names.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sort"
	"sync/atomic"
	"syscall"
	"time"
)

// A cause has two workloads. Each works until running() is false and ends soon after.
type cause struct {
	plant     func(running func() bool)
	lookalike func(running func() bool)
	waits     bool // most of the time, so that the clock counts and not the CPU
}

var causes = map[string]cause{}

// sink keeps results alive so that no work is optimized away.
var sink interface{}

func main() {
	seconds := flag.Float64("seconds", 2, "how long to work")
	extra := flag.Int("extra", 0, "percent more work in one function of load")
	files := flag.Int("files", 40, "how many profiles of load")
	flag.Parse()
	length := time.Duration(*seconds * float64(time.Second))
	switch args := flag.Args(); {
	case len(args) == 1 && args[0] == "list":
		list()
	case len(args) == 1 && args[0] == "unit":
		fmt.Println(calibrate())
	case len(args) == 2 && args[0] == "load":
		load(args[1], length, *files, *extra)
	case len(args) == 3 && (args[0] == "plant" || args[0] == "lookalike"):
		run(args[0], args[1], args[2], length)
	default:
		flag.Usage()
		os.Exit(2)
	}
}

func list() {
	var names []string
	for name := range causes {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Println(name)
	}
}

func run(which, class, dir string, length time.Duration) {
	c, known := causes[class]
	if !known {
		check(fmt.Errorf("no class %q", class))
	}
	work := c.plant
	if which == "lookalike" {
		work = c.lookalike
	}
	runtime.SetMutexProfileFraction(1)
	cpu := create(dir, "now", "cpu")
	check(pprof.StartCPUProfile(cpu))
	var stopped atomic.Bool
	go func() {
		watch(length/2, c.waits)
		writeGauges(dir, "base")
		watch(length/2, c.waits)
		stopped.Store(true)
	}()
	work(func() bool { return !stopped.Load() })
	pprof.StopCPUProfile()
	check(cpu.Close())
	writeGauges(dir, "now")
	writeProfile("mutex", dir, "now")
}

// watch returns after a length of time, or of CPU but at most eight times as much time.
func watch(length time.Duration, clock bool) {
	start, cpu := time.Now(), cpuTime()
	for {
		time.Sleep(20 * time.Millisecond)
		passed := time.Since(start)
		if passed >= 8*length || (clock && passed >= length) || (!clock && cpuTime()-cpu >= length) {
			return
		}
	}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func writeGauges(dir, when string) {
	runtime.GC()
	writeProfile("heap", dir, when)
	writeProfile("goroutine", dir, when)
}

func writeProfile(name, dir, when string) {
	f := create(dir, when, name)
	check(pprof.Lookup(name).WriteTo(f, 0))
	check(f.Close())
}

func create(dir, when, name string) *os.File {
	check(os.MkdirAll(filepath.Join(dir, when), 0o755))
	f, err := os.Create(filepath.Join(dir, when, name+".pprof"))
	check(err)
	return f
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "causes:", err)
		os.Exit(1)
	}
}

// spin is work of the user's own.
func spin(n int) uint64 {
	x := uint64(n)
	for i := 0; i < n; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}
