// Package btree is a B-tree of items behind an interface: every comparison is a call through it.
package btree

import "sort"

const maxItems = 63

// Item is what the tree keeps in order.
type Item interface {
	Less(than Item) bool
}

type node struct {
	items    []Item
	children []*node
}

// Tree is empty as its zero value.
type Tree struct {
	root *node
}

// Get gives the item that is equal to the key, or nil.
func (t *Tree) Get(key Item) Item {
	for n := t.root; n != nil; {
		i, found := n.find(key)
		if found {
			return n.items[i]
		}
		if len(n.children) == 0 {
			return nil
		}
		n = n.children[i]
	}
	return nil
}

// Insert adds an item that is not there yet.
func (t *Tree) Insert(item Item) {
	if t.root == nil {
		t.root = &node{}
	}
	if len(t.root.items) == maxItems {
		t.root = &node{children: []*node{t.root}}
		t.root.split(0)
	}
	t.root.insert(item)
}

// Each visits all items in order.
func (t *Tree) Each(visit func(Item)) {
	if t.root != nil {
		t.root.each(visit)
	}
}

func (n *node) find(key Item) (int, bool) {
	i := sort.Search(len(n.items), func(i int) bool { return !n.items[i].Less(key) })
	return i, i < len(n.items) && !key.Less(n.items[i])
}

func (n *node) insert(item Item) {
	i, _ := n.find(item)
	if len(n.children) == 0 {
		n.items = append(n.items, nil)
		copy(n.items[i+1:], n.items[i:])
		n.items[i] = item
		return
	}
	if len(n.children[i].items) == maxItems {
		n.split(i)
		if n.items[i].Less(item) {
			i++
		}
	}
	n.children[i].insert(item)
}

// split halves a full child; its middle item comes up.
func (n *node) split(i int) {
	left := n.children[i]
	const middle = maxItems / 2
	right := &node{items: append([]Item(nil), left.items[middle+1:]...)}
	if len(left.children) > 0 {
		right.children = append([]*node(nil), left.children[middle+1:]...)
		left.children = left.children[:middle+1]
	}
	up := left.items[middle]
	left.items = left.items[:middle]
	n.items = append(n.items, nil)
	copy(n.items[i+1:], n.items[i:])
	n.items[i] = up
	n.children = append(n.children, nil)
	copy(n.children[i+2:], n.children[i+1:])
	n.children[i+1] = right
}

func (n *node) each(visit func(Item)) {
	for i, item := range n.items {
		if len(n.children) > 0 {
			n.children[i].each(visit)
		}
		visit(item)
	}
	if len(n.children) > 0 {
		n.children[len(n.items)].each(visit)
	}
}
