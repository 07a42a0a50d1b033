package main

func init() {
	causes["gc_pressure"] = cause{plant: func(running func() bool) {
		var kept [64]*node
		for i := 0; running(); i++ {
			kept[i%len(kept)] = buildTree(10)
		}
		sink = kept
	}, lookalike: func(running func() bool) {
		tree := buildTree(14)
		for running() {
			sumTree(tree)
		}
	}}
}

type node struct {
	left, right *node
	value       int
}

// buildTree makes many small objects with pointers, some of which live for a while.
//
//go:noinline
func buildTree(depth int) *node {
	n := &node{value: depth}
	if depth > 0 {
		n.left, n.right = buildTree(depth-1), buildTree(depth-1)
	}
	return n
}

// sumTree walks the same objects and allocates none.
//
//go:noinline
func sumTree(n *node) int {
	if n == nil {
		return 0
	}
	return n.value + sumTree(n.left) + sumTree(n.right)
}
