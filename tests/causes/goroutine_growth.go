package main

import "time"

func init() {
	causes["goroutine_growth"] = cause{plant: func(running func() bool) {
		never := make(chan int)
		for running() {
			for i := 0; i < 10; i++ {
				go awaitReply(never)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}, lookalike: func(running func() bool) {
		jobs := make(chan int)
		for i := 0; i < 2000; i++ {
			go serveJobs(jobs)
		}
		for running() {
			jobs <- 1
			time.Sleep(time.Millisecond)
		}
	}, waits: true}
}

// awaitReply waits for what never comes.
//
//go:noinline
func awaitReply(never chan int) { <-never }

// serveJobs waits as well, but there is a fixed number of them.
//
//go:noinline
func serveJobs(jobs chan int) {
	for range jobs {
	}
}
