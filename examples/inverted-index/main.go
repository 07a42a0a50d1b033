// Inverted-index does one job with one of eight implementations, profiles one phase of it, and says what that phase cost
// by other means than the profile: one line of JSON on standard output.
//
//	inverted-index -impl btree-str -phase build -kind cpu -profile btree-str.build.cpu.pprof
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"sort"
	"syscall"
	"time"

	"example.org/inverted-index/corpus"
	"example.org/inverted-index/index"
)

// truth is what a phase cost.
type truth struct {
	Implementation string  `json:"implementation"`
	Phase          string  `json:"phase"`
	Kind           string  `json:"kind"`
	WallSeconds    float64 `json:"wall_seconds"`
	CPUSeconds     float64 `json:"cpu_seconds"`
	AllocBytes     uint64  `json:"alloc_bytes"`
	AllocObjects   uint64  `json:"alloc_objects"` // as profiles count: small ones that share a block are one
	TinyObjects    uint64  `json:"tiny_objects"`  // and how many of those there were
	Answer         uint64  `json:"answer"`        // equal for all implementations
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "inverted-index:", err)
	os.Exit(1)
}

// build makes the index some times over and gives the last one.
func build(name string, c *corpus.Corpus, rounds int) (i index.Index) {
	for r := 0; r < rounds; r++ {
		i = index.Build(name, c)
	}
	return i
}

// query asks everything some times over and gives a number that depends on all answers.
func query(i index.Index, c *corpus.Corpus, rounds int) (answer uint64) {
	for r := 0; r < rounds; r++ {
		answer = 0
		for q, words := range c.Queries {
			for _, doc := range i.Query(words) {
				answer += uint64(doc+1) * uint64(q+1)
			}
		}
	}
	return answer
}

func main() {
	names := []string{}
	for name := range index.Implementations {
		names = append(names, name)
	}
	sort.Strings(names)
	name := flag.String("impl", "", fmt.Sprint("implementation: one of ", names))
	phase := flag.String("phase", "build", "build or query")
	kind := flag.String("kind", "cpu", "cpu or alloc")
	file := flag.String("profile", "", "where the profile goes")
	documents := flag.Int("documents", 40_000, "size of the corpus")
	queries := flag.Int("queries", 40_000, "how many queries")
	rounds := flag.Int("rounds", 8, "how often the phase does its work")
	rate := flag.Int("rate", 131_072, "bytes allocated a sample, for -kind alloc")
	flag.Parse()
	if index.Implementations[*name] == nil || (*phase != "build" && *phase != "query") || (*kind != "cpu" && *kind != "alloc") {
		flag.Usage()
		os.Exit(2)
	}
	// One processor: CPU time then is that of the work and of the collector it causes, not of idle processors that help.
	runtime.GOMAXPROCS(1)
	// Nothing but the phase is profiled.
	runtime.MemProfileRate = 0
	c := corpus.Generate(*documents, *queries)
	t := truth{Implementation: *name, Phase: *phase, Kind: *kind}
	var i index.Index
	if *phase == "query" {
		i = build(*name, c, 1)
	}
	runtime.GC()
	out, err := os.Create(*file)
	if err != nil {
		fail(err)
	}
	work := func() {
		if *phase == "build" {
			i = build(*name, c, *rounds)
		} else {
			t.Answer = query(i, c, *rounds)
		}
	}
	if *kind == "cpu" {
		if err = pprof.StartCPUProfile(out); err != nil {
			fail(err)
		}
		measure(&t, work)
		pprof.StopCPUProfile()
	} else {
		runtime.MemProfileRate = *rate
		measure(&t, work)
		runtime.GC() // what was allocated shows after a collection
		if err = pprof.Lookup("allocs").WriteTo(out, 0); err != nil {
			fail(err)
		}
	}
	if err = out.Close(); err != nil {
		fail(err)
	}
	if *phase == "build" {
		t.Answer = query(i, c, 1)
	}
	if err = json.NewEncoder(os.Stdout).Encode(t); err != nil {
		fail(err)
	}
}

func measure(t *truth, work func()) {
	before := allocations()
	cpu, wall := cpuTime(), time.Now()
	work()
	t.CPUSeconds, t.WallSeconds = (cpuTime() - cpu).Seconds(), time.Since(wall).Seconds()
	after := allocations()
	t.AllocBytes, t.AllocObjects, t.TinyObjects = after[0]-before[0], after[1]-before[1], after[2]-before[2]
}

// allocations gives the bytes, objects and objects within blocks allocated so far.
func allocations() (counts [3]uint64) {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/tiny/allocs:objects"}}
	metrics.Read(samples)
	for i := range counts {
		counts[i] = samples[i].Value.Uint64()
	}
	return counts
}
