// Package corpus makes documents and queries: the same ones for the same size, everywhere and always.
package corpus

import (
	"math/rand"
	"strings"
)

const (
	vocabulary       = 40_000
	wordsPerDocument = 100
	zipfExponent     = 1.07
)

// Corpus is what every implementation gets. Document ids come in no order.
type Corpus struct {
	IDs       []uint32
	Documents []string
	Queries   [][]string
}

// Generate makes that many documents of Zipf-distributed words, and queries of two or three words that are neither the
// commonest nor the rarest.
func Generate(documents, queries int) *Corpus {
	random := rand.New(rand.NewSource(1))
	words := makeWords(random)
	zipf := rand.NewZipf(random, zipfExponent, 4, vocabulary-1)
	c := &Corpus{}
	var text strings.Builder
	for _, id := range random.Perm(documents) {
		text.Reset()
		for w := 0; w < wordsPerDocument; w++ {
			text.WriteString(words[zipf.Uint64()])
			text.WriteByte(' ')
		}
		c.IDs = append(c.IDs, uint32(id))
		c.Documents = append(c.Documents, strings.Clone(text.String()))
	}
	for q := 0; q < queries; q++ {
		query := make([]string, 2+random.Intn(2))
		for i := range query {
			query[i] = words[30+random.Intn(3000)]
		}
		c.Queries = append(c.Queries, query)
	}
	return c
}

func makeWords(random *rand.Rand) []string {
	seen := map[string]bool{}
	var words []string
	for len(words) < vocabulary {
		letters := make([]byte, 4+random.Intn(8))
		for i := range letters {
			letters[i] = byte('a' + random.Intn(26))
		}
		if word := string(letters); !seen[word] {
			seen[word] = true
			words = append(words, word)
		}
	}
	return words
}

// NextWord cuts the first word off a text; it is "" at the end.
func NextWord(text string) (word, rest string) {
	for i := 0; i < len(text); i++ {
		if text[i] == ' ' {
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}
