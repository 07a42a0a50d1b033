//go:build !go1.24

package index

// Before Go 1.24 there are no weak pointers; these hold their terms for as long as the index lives.
type weakTerm struct{ pointer *term }

func makeWeak(t *term) weakTerm { return weakTerm{t} }

func (w weakTerm) get() *term { return w.pointer }
