package index

import (
	"sort"
	"strings"
	"sync"

	"example.org/inverted-index/corpus"
	"example.org/inverted-index/postings"
)

const documentsPerSegment = 2000

// builder is the map of a segment that grows.
type builder struct {
	lists map[string]*postings.List
	docs  int
}

// maker says where builders and lists come from, and where they go when a segment is packed.
type maker interface {
	builder() *builder
	list() *postings.List
	giveBack(*postings.List)
	release(*builder)
}

// segmented fills a hash map for some documents, then packs it: words in order, their lists as differences in one block
// of bytes.
type segmented struct {
	maker    maker
	now      *builder
	segments []*segment
}

type segment struct {
	words  []string
	starts []uint32 // of each word's list in packed, and the end
	packed []byte
}

func (s *segmented) Add(doc uint32, text string) {
	if s.now == nil {
		s.now = s.maker.builder()
	}
	var word string
	for text != "" {
		word, text = corpus.NextWord(text)
		list := s.now.lists[word]
		if list == nil {
			list = s.maker.list()
			s.now.lists[strings.Clone(word)] = list
		}
		list.Add(doc)
	}
	if s.now.docs++; s.now.docs == documentsPerSegment {
		s.pack()
	}
}

func (s *segmented) pack() {
	sealed := &segment{}
	for word := range s.now.lists {
		sealed.words = append(sealed.words, word)
	}
	sort.Strings(sealed.words)
	for _, word := range sealed.words {
		list := s.now.lists[word]
		list.Sort()
		sealed.starts = append(sealed.starts, uint32(len(sealed.packed)))
		sealed.packed = postings.Pack(sealed.packed, list.Docs)
	}
	sealed.starts = append(sealed.starts, uint32(len(sealed.packed)))
	s.segments = append(s.segments, sealed)
	s.maker.release(s.now)
	s.now = nil
}

func (s *segmented) Finish() {
	if s.now != nil {
		s.pack()
	}
}

func (s *segment) list(word string, into []uint32) []uint32 {
	i := sort.SearchStrings(s.words, word)
	if i == len(s.words) || s.words[i] != word {
		return into
	}
	return postings.Unpack(into, s.packed[s.starts[i]:s.starts[i+1]])
}

func (s *segmented) Query(words []string) []uint32 {
	var result []uint32
	list := s.maker.list()
	for _, segment := range s.segments {
		result = append(result, intersect(words, func(word string) []uint32 {
			list.Docs = segment.list(word, list.Docs[:0])
			return list.Docs
		})...)
	}
	s.maker.giveBack(list)
	return result
}

// freshMaker makes everything new.
type freshMaker struct{}

func (freshMaker) builder() *builder       { return &builder{lists: map[string]*postings.List{}} }
func (freshMaker) list() *postings.List    { return &postings.List{} }
func (freshMaker) giveBack(*postings.List) {}
func (freshMaker) release(*builder)        {}

// poolMaker keeps what is released: one pool of builders, one of lists.
type poolMaker struct {
	builders, lists sync.Pool
}

func newPoolMaker() *poolMaker {
	return &poolMaker{
		builders: sync.Pool{New: newBuilder},
		lists:    sync.Pool{New: newList},
	}
}

func newBuilder() any { return &builder{lists: map[string]*postings.List{}} }
func newList() any    { return &postings.List{} }

func (p *poolMaker) builder() *builder    { return p.builders.Get().(*builder) }
func (p *poolMaker) list() *postings.List { return p.lists.Get().(*postings.List) }

func (p *poolMaker) giveBack(list *postings.List) {
	*list = postings.List{Docs: list.Docs[:0]}
	p.lists.Put(list)
}

func (p *poolMaker) release(b *builder) {
	for _, list := range b.lists {
		p.giveBack(list)
	}
	for word := range b.lists { // the compiler makes one call of it
		delete(b.lists, word)
	}
	b.docs = 0
	p.builders.Put(b)
}
