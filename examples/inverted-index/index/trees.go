package index

import (
	"strings"

	"example.org/inverted-index/btree"
	"example.org/inverted-index/btreeg"
	"example.org/inverted-index/corpus"
	"example.org/inverted-index/postings"
)

// intersect gives what is in all lists, which are in order.
func intersect(words []string, list func(word string) []uint32) []uint32 {
	result := append([]uint32(nil), list(words[0])...)
	for _, word := range words[1:] {
		result = postings.Intersect(nil, result, list(word))
	}
	return result
}

// treeByWord is a B-tree by the words themselves. Lists are sorted at the end of the build, or when they are first asked
// for.
type treeByWord struct {
	tree     btree.Tree
	probe    wordItem
	sortLate bool
}

type wordItem struct {
	word string
	list postings.List
}

func (i *wordItem) Less(than btree.Item) bool { return i.word < than.(*wordItem).word }

func (t *treeByWord) Add(doc uint32, text string) {
	for text != "" {
		t.probe.word, text = corpus.NextWord(text)
		item, _ := t.tree.Get(&t.probe).(*wordItem)
		if item == nil {
			item = &wordItem{word: strings.Clone(t.probe.word)}
			t.tree.Insert(item)
		}
		item.list.Add(doc)
	}
}

func (t *treeByWord) Finish() {
	if !t.sortLate {
		t.tree.Each(func(item btree.Item) { item.(*wordItem).list.Sort() })
	}
}

func (t *treeByWord) Query(words []string) []uint32 {
	return intersect(words, func(word string) []uint32 {
		t.probe.word = word
		item, _ := t.tree.Get(&t.probe).(*wordItem)
		if item == nil {
			return nil
		}
		item.list.Sort()
		return item.list.Docs
	})
}

// treeByHash is the same tree by the words' hashes.
type treeByHash struct {
	tree  btree.Tree
	probe hashItem
}

type hashItem struct {
	hash uint64
	word string
	list postings.List
}

func (i *hashItem) Less(than btree.Item) bool {
	other := than.(*hashItem)
	return i.hash < other.hash || (i.hash == other.hash && i.word < other.word)
}

func (t *treeByHash) get(word string) *hashItem {
	t.probe.hash, t.probe.word = hashOf(word), word
	item, _ := t.tree.Get(&t.probe).(*hashItem)
	return item
}

func (t *treeByHash) Add(doc uint32, text string) {
	var word string
	for text != "" {
		word, text = corpus.NextWord(text)
		item := t.get(word)
		if item == nil {
			item = &hashItem{hash: t.probe.hash, word: strings.Clone(word)}
			t.tree.Insert(item)
		}
		item.list.Add(doc)
	}
}

func (t *treeByHash) Finish() {
	t.tree.Each(func(item btree.Item) { item.(*hashItem).list.Sort() })
}

func (t *treeByHash) Query(words []string) []uint32 {
	return intersect(words, func(word string) []uint32 {
		if item := t.get(word); item != nil {
			return item.list.Docs
		}
		return nil
	})
}

// genericTreeByHash has hash, word and list within the nodes.
type genericTreeByHash struct {
	tree *btreeg.Tree[hashValue]
}

type hashValue struct {
	hash uint64
	word string
	list *postings.List
}

func newGenericTreeByHash() *genericTreeByHash {
	return &genericTreeByHash{tree: btreeg.New(lessHash)}
}

func lessHash(a, b hashValue) bool {
	return a.hash < b.hash || (a.hash == b.hash && a.word < b.word)
}

func (t *genericTreeByHash) Add(doc uint32, text string) {
	var word string
	for text != "" {
		word, text = corpus.NextWord(text)
		value, found := t.tree.Get(hashValue{hash: hashOf(word), word: word})
		if !found {
			value = hashValue{hashOf(word), strings.Clone(word), &postings.List{}}
			t.tree.Insert(value)
		}
		value.list.Add(doc)
	}
}

func (t *genericTreeByHash) Finish() {
	t.tree.Each(func(v hashValue) { v.list.Sort() })
}

func (t *genericTreeByHash) Query(words []string) []uint32 {
	return intersect(words, func(word string) []uint32 {
		if v, found := t.tree.Get(hashValue{hash: hashOf(word), word: word}); found {
			return v.list.Docs
		}
		return nil
	})
}
