package index

import (
	"sort"
	"strings"

	"example.org/inverted-index/corpus"
	"example.org/inverted-index/postings"
)

// sortedWords is a slice in the order of the words; a new word moves all behind it.
type sortedWords struct {
	words []string
	lists []*postings.List
}

func (s *sortedWords) find(word string) (int, bool) {
	i := sort.SearchStrings(s.words, word)
	return i, i < len(s.words) && s.words[i] == word
}

func (s *sortedWords) insert(i int, word string) {
	s.words = append(s.words, "")
	copy(s.words[i+1:], s.words[i:])
	s.words[i] = strings.Clone(word)
	s.lists = append(s.lists, nil)
	copy(s.lists[i+1:], s.lists[i:])
	s.lists[i] = &postings.List{}
}

func (s *sortedWords) Add(doc uint32, text string) {
	var word string
	for text != "" {
		word, text = corpus.NextWord(text)
		i, found := s.find(word)
		if !found {
			s.insert(i, word)
		}
		s.lists[i].Add(doc)
	}
}

func (s *sortedWords) Finish() {
	for _, list := range s.lists {
		list.Sort()
	}
}

func (s *sortedWords) Query(words []string) []uint32 {
	return intersect(words, func(word string) []uint32 {
		if i, found := s.find(word); found {
			return s.lists[i].Docs
		}
		return nil
	})
}
