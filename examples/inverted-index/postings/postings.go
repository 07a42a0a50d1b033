// Package postings holds lists of document ids: plain ones that grow, and packed ones that do not.
package postings

import (
	"encoding/binary"
	"sort"
)

// List is the documents a word is in.
type List struct {
	Docs   []uint32
	Sorted bool
}

// Add appends a document. Words of one document come one after the other, so that looking at the last one is enough to
// have it once.
func (l *List) Add(doc uint32) {
	if n := len(l.Docs); n > 0 && l.Docs[n-1] == doc {
		return
	}
	l.Docs = append(l.Docs, doc)
}

// Sort brings the list into order, unless it is.
func (l *List) Sort() {
	if l.Sorted {
		return
	}
	sort.Slice(l.Docs, func(a, b int) bool { return l.Docs[a] < l.Docs[b] })
	l.Sorted = true
}

// Intersect gives what is in both lists, which are in order.
func Intersect(into, a, b []uint32) []uint32 {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			into = append(into, a[0])
			a, b = a[1:], b[1:]
		}
	}
	return into
}

// Pack writes a list that is in order as differences.
func Pack(into []byte, docs []uint32) []byte {
	last := uint32(0)
	for _, doc := range docs {
		into = binary.AppendUvarint(into, uint64(doc-last))
		last = doc
	}
	return into
}

// Unpack is the opposite of Pack.
func Unpack(into []uint32, packed []byte) []uint32 {
	last := uint32(0)
	for len(packed) > 0 {
		delta, n := binary.Uvarint(packed)
		packed = packed[n:]
		last += uint32(delta)
		into = append(into, last)
	}
	return into
}
