package index

import (
	"sort"
	"strings"

	"example.org/inverted-index/corpus"
	"example.org/inverted-index/postings"
)

// term is a word that all segments share; while a segment is being built it has a list, too.
type term struct {
	word string
	list *postings.List
}

// weakIndex has segments as the pooled ones, but each word is held once: a table finds the terms through weak pointers
// (see weakTerm), so that a word goes away with the last segment that has it.
type weakIndex struct {
	table    map[string]weakTerm
	now      []*term
	docs     int
	segments []*weakSegment
}

type weakSegment struct {
	terms  []*term
	starts []uint32
	packed []byte
}

func newWeak() *weakIndex { return &weakIndex{table: map[string]weakTerm{}} }

func (w *weakIndex) term(word string) *term {
	if t := w.table[word].get(); t != nil {
		return t
	}
	t := &term{word: strings.Clone(word)}
	w.table[t.word] = makeWeak(t)
	return t
}

func (w *weakIndex) Add(doc uint32, text string) {
	var word string
	for text != "" {
		word, text = corpus.NextWord(text)
		t := w.term(word)
		if t.list == nil {
			t.list = &postings.List{}
			w.now = append(w.now, t)
		}
		t.list.Add(doc)
	}
	if w.docs++; w.docs == documentsPerSegment {
		w.pack()
	}
}

func (w *weakIndex) pack() {
	sealed := &weakSegment{terms: w.now}
	sort.Slice(sealed.terms, func(a, b int) bool { return sealed.terms[a].word < sealed.terms[b].word })
	for _, t := range sealed.terms {
		t.list.Sort()
		sealed.starts = append(sealed.starts, uint32(len(sealed.packed)))
		sealed.packed = postings.Pack(sealed.packed, t.list.Docs)
		t.list = nil
	}
	sealed.starts = append(sealed.starts, uint32(len(sealed.packed)))
	w.segments = append(w.segments, sealed)
	w.now, w.docs = nil, 0
}

func (w *weakIndex) Finish() {
	if w.docs > 0 {
		w.pack()
	}
}

func (s *weakSegment) list(word string, into []uint32) []uint32 {
	i := sort.Search(len(s.terms), func(i int) bool { return s.terms[i].word >= word })
	if i == len(s.terms) || s.terms[i].word != word {
		return into
	}
	return postings.Unpack(into, s.packed[s.starts[i]:s.starts[i+1]])
}

func (w *weakIndex) Query(words []string) []uint32 {
	var result []uint32
	list := &postings.List{}
	for _, segment := range w.segments {
		result = append(result, intersect(words, func(word string) []uint32 {
			list.Docs = segment.list(word, list.Docs[:0])
			return list.Docs
		})...)
	}
	return result
}
