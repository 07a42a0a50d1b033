// Command pprof_peer makes the inputs of bench/pprof and times google/pprof's own library on them.
//
//	pprof_peer copies IN OUT N     N copies of a profile, each with a label copy=i that keeps its samples apart, merged
//	pprof_peer deepen IN OUT N     each stack N times on top of itself
//	pprof_peer windows IN DIR N    N files as a window of one service each: a tenth of the samples, drawn at random
//	pprof_peer parse_merge FILE N  nanoseconds of ParseData and Merge of one file, N times, a line each
package main

import (
	"bytes"
	"fmt"
	"log"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/pprof/profile"
)

func read(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	return data
}

func parse(data []byte) *profile.Profile {
	p, err := profile.ParseData(data)
	if err != nil {
		log.Fatal(err)
	}
	return p
}

func merge(all []*profile.Profile) *profile.Profile {
	p, err := profile.Merge(all)
	if err != nil {
		log.Fatal(err)
	}
	return p
}

func write(p *profile.Profile, path string) {
	var out bytes.Buffer
	if err := p.Write(&out); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

func copies(in, out string, n int) {
	data := read(in)
	var all []*profile.Profile
	for i := 0; i < n; i++ {
		p := parse(data)
		for _, s := range p.Sample {
			if s.Label == nil {
				s.Label = make(map[string][]string)
			}
			s.Label["copy"] = []string{strconv.Itoa(i)}
		}
		all = append(all, p)
	}
	write(merge(all), out)
}

func deepen(in, out string, n int) {
	p := parse(read(in))
	for _, s := range p.Sample {
		once := s.Location
		for i := 1; i < n; i++ {
			s.Location = append(s.Location, once...)
		}
	}
	write(p, out)
}

func windows(in, dir string, n int) {
	data := read(in)
	random := rand.New(rand.NewSource(1))
	for i := 0; i < n; i++ {
		p := parse(data)
		var kept []*profile.Sample
		for _, s := range p.Sample {
			if random.Intn(10) == 0 {
				for v := range s.Value {
					s.Value[v] *= int64(1 + random.Intn(5))
				}
				kept = append(kept, s)
			}
		}
		p.Sample = kept
		p.TimeNanos += int64(i) * int64(10*time.Second)
		write(merge([]*profile.Profile{p}), filepath.Join(dir, fmt.Sprintf("window.%04d.pb.gz", i)))
	}
}

func parseMerge(path string, n int) {
	data := read(path)
	for i := 0; i < n; i++ {
		start := time.Now()
		merge([]*profile.Profile{parse(data)})
		fmt.Println(time.Since(start).Nanoseconds())
	}
}

func main() {
	usage := "usage: pprof_peer copies IN OUT N | deepen IN OUT N | windows IN DIR N | parse_merge FILE N"
	if len(os.Args) < 4 {
		log.Fatal(usage)
	}
	n, err := strconv.Atoi(os.Args[len(os.Args)-1])
	if err != nil {
		log.Fatal(usage)
	}
	switch os.Args[1] {
	case "copies":
		copies(os.Args[2], os.Args[3], n)
	case "deepen":
		deepen(os.Args[2], os.Args[3], n)
	case "windows":
		windows(os.Args[2], os.Args[3], n)
	case "parse_merge":
		parseMerge(os.Args[2], n)
	default:
		log.Fatal(usage)
	}
}
