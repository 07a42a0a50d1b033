// Package btreeg is the B-tree of package btree with a type argument: items lie in the nodes by value.
package btreeg

const maxItems = 63

type node[T any] struct {
	items    []T
	children []*node[T]
}

// Tree keeps items in the order of less.
type Tree[T any] struct {
	root *node[T]
	less func(a, b T) bool
}

// New gives an empty tree.
func New[T any](less func(a, b T) bool) *Tree[T] {
	return &Tree[T]{root: &node[T]{}, less: less}
}

// Get gives the item that is equal to the key.
func (t *Tree[T]) Get(key T) (item T, found bool) {
	for n := t.root; ; {
		i, found := n.find(key, t.less)
		if found {
			return n.items[i], true
		}
		if len(n.children) == 0 {
			return item, false
		}
		n = n.children[i]
	}
}

// Insert adds an item that is not there yet.
func (t *Tree[T]) Insert(item T) {
	if len(t.root.items) == maxItems {
		t.root = &node[T]{children: []*node[T]{t.root}}
		t.root.split(0)
	}
	t.root.insert(item, t.less)
}

// Each visits all items in order.
func (t *Tree[T]) Each(visit func(T)) {
	t.root.each(visit)
}

func (n *node[T]) find(key T, less func(a, b T) bool) (int, bool) {
	low, high := 0, len(n.items)
	for low < high {
		if middle := (low + high) / 2; less(n.items[middle], key) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(n.items) && !less(key, n.items[low])
}

func (n *node[T]) insert(item T, less func(a, b T) bool) {
	i, _ := n.find(item, less)
	if len(n.children) == 0 {
		n.items = append(n.items, item)
		copy(n.items[i+1:], n.items[i:])
		n.items[i] = item
		return
	}
	if len(n.children[i].items) == maxItems {
		n.split(i)
		if less(n.items[i], item) {
			i++
		}
	}
	n.children[i].insert(item, less)
}

// split halves a full child; its middle item comes up.
func (n *node[T]) split(i int) {
	left := n.children[i]
	const middle = maxItems / 2
	right := &node[T]{items: append([]T(nil), left.items[middle+1:]...)}
	if len(left.children) > 0 {
		right.children = append([]*node[T](nil), left.children[middle+1:]...)
		left.children = left.children[:middle+1]
	}
	up := left.items[middle]
	left.items = left.items[:middle]
	n.items = append(n.items, up)
	copy(n.items[i+1:], n.items[i:])
	n.items[i] = up
	n.children = append(n.children, nil)
	copy(n.children[i+2:], n.children[i+1:])
	n.children[i+1] = right
}

func (n *node[T]) each(visit func(T)) {
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
