//go:build go1.24

package index

import "weak"

type weakTerm struct{ pointer weak.Pointer[term] }

func makeWeak(t *term) weakTerm { return weakTerm{weak.Make(t)} }

func (w weakTerm) get() *term { return w.pointer.Value() }
