// Package index holds eight ways to do one job: which documents have all these words?
package index

import "example.org/inverted-index/corpus"

// Index is built document by document, finished once, and asked then.
type Index interface {
	Add(doc uint32, text string)
	Finish()
	Query(words []string) []uint32
}

// Implementations by name.
var Implementations = map[string]func() Index{
	"btree-str-nosort": func() Index { return &treeByWord{sortLate: true} },
	"btree-str":        func() Index { return &treeByWord{} },
	"btree-hash":       func() Index { return &treeByHash{} },
	"btreeg-hash":      func() Index { return newGenericTreeByHash() },
	"sorted-str":       func() Index { return &sortedWords{} },
	"inv-weak":         func() Index { return newWeak() },
	"inv-nopool":       func() Index { return &segmented{maker: freshMaker{}} },
	"inv-two-pools":    func() Index { return &segmented{maker: newPoolMaker()} },
}

// Build adds all documents to a new index.
func Build(name string, c *corpus.Corpus) Index {
	i := Implementations[name]()
	for d, text := range c.Documents {
		i.Add(c.IDs[d], text)
	}
	i.Finish()
	return i
}

func hashOf(word string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(word); i++ {
		h = (h ^ uint64(word[i])) * 1099511628211
	}
	return h
}
