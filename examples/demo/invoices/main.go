// demo-invoices checks made-up invoices all day. Its planted cause: validateInvoice compiles its regular expression
// anew for every invoice. It serves net/http/pprof on 127.0.0.1:6061, as services do.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	_ "net/http/pprof"
	"regexp"
	"time"
)

type invoice struct {
	number string
	cents  int
}

//go:noinline
func validateInvoice(inv invoice) bool {
	pattern := regexp.MustCompile(`^INV-(20[0-9]{2})-([0-9]{4,8})(-[A-Z]{1,3})?$`)
	return pattern.MatchString(inv.number)
}

//go:noinline
func totalOf(invoices []invoice) int {
	total := 0
	for _, inv := range invoices {
		if validateInvoice(inv) {
			total += inv.cents
		}
	}
	return total
}

func makeBatch(n int) []invoice {
	batch := make([]invoice, 0, n)
	for i := 0; i < n; i++ {
		batch = append(batch, invoice{number: fmt.Sprintf("INV-2026-%06d", i), cents: i * 7})
	}
	return batch
}

func main() {
	addr := flag.String("addr", "127.0.0.1:6061", "where net/http/pprof is served")
	flag.Parse()
	go func() { log.Fatal(http.ListenAndServe(*addr, nil)) }()
	sum := 0
	for {
		start := time.Now()
		sum += totalOf(makeBatch(500))
		// Busy a third of the time.
		time.Sleep(2 * time.Since(start))
		if sum < 0 {
			fmt.Println(sum)
		}
	}
}
