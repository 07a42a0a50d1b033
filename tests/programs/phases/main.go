// A Go service of known shape: one goroutine works in phases of random length, and /truth says what each took by the
// clock of its thread. Prints the seed of its draws; -seed repeats them.
package main

import (
	"flag"
	"fmt"
	"log"
	"math/rand"
	"net/http"
	_ "net/http/pprof"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

var sink uint64

//go:noinline
func burn() {
	for i := uint64(0); i < 300_000; i++ {
		sink += i
	}
}

//go:noinline
func alpha(until int64) int64 { return work(until) }

//go:noinline
func beta(until int64) int64 { return work(until) }

//go:noinline
func gamma(until int64) int64 { return work(until) }

//go:noinline
func work(until int64) int64 {
	for {
		burn()
		if now := threadClock(); now >= until {
			return now
		}
	}
}

func threadClock() int64 {
	const threadCPU = 3 // CLOCK_THREAD_CPUTIME_ID
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, threadCPU, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

var names = []string{"alpha", "beta", "gamma"}
var used [3]atomic.Int64

func run(seed int64) {
	runtime.LockOSThread()
	draws := rand.New(rand.NewSource(seed))
	var mean [3]int64
	for i := range mean {
		mean[i] = 2_000_000 + draws.Int63n(28_000_000)
	}
	for now := threadClock(); ; {
		for i, phase := range []func(int64) int64{alpha, beta, gamma} {
			after := phase(now + mean[i]/2 + draws.Int63n(mean[i]))
			used[i].Add(after - now)
			now = after
		}
		time.Sleep(time.Duration(draws.Int63n(30_000_000)))
		now = threadClock()
	}
}

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "where to serve")
	seed := flag.Int64("seed", time.Now().UnixNano(), "of the draws")
	flag.Parse()
	fmt.Println("seed", *seed)
	go run(*seed)
	http.HandleFunc("/truth", func(w http.ResponseWriter, _ *http.Request) {
		for i, name := range names {
			fmt.Fprintln(w, "cpu", name, used[i].Load())
		}
	})
	log.Fatal(http.ListenAndServe(*addr, nil))
}
