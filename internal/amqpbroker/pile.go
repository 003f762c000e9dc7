package amqpbroker

import "container/heap"

// pile holds things of which the least is wanted next. Each notes its place, so
// that it can be moved or taken out from the middle.
type pile[T any] struct {
	less  func(a, b T) bool
	place func(T) *int // counted from one; zero: not in the pile
	list  []T
}

// top returns the least, and false if there is none.
func (p *pile[T]) top() (x T, ok bool) {
	if len(p.list) == 0 {
		return x, false
	}
	return p.list[0], true
}

// put adds x, or moves it to where it belongs by now.
func (p *pile[T]) put(x T) {
	if i := *p.place(x); i > 0 {
		heap.Fix(p, i-1)
		return
	}
	heap.Push(p, x)
}

// drop takes x out if it is in.
func (p *pile[T]) drop(x T) {
	if i := *p.place(x); i > 0 {
		heap.Remove(p, i-1)
	}
}

// The rest is for container/heap.

func (p *pile[T]) Len() int           { return len(p.list) }
func (p *pile[T]) Less(i, j int) bool { return p.less(p.list[i], p.list[j]) }

func (p *pile[T]) Swap(i, j int) {
	p.list[i], p.list[j] = p.list[j], p.list[i]
	*p.place(p.list[i]), *p.place(p.list[j]) = i+1, j+1
}

func (p *pile[T]) Push(x any) {
	p.list = append(p.list, x.(T))
	*p.place(x.(T)) = len(p.list)
}

func (p *pile[T]) Pop() any {
	last := len(p.list) - 1
	x := p.list[last]
	clear(p.list[last:])
	p.list = p.list[:last]
	*p.place(x) = 0
	return x
}
