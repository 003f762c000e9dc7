package pim

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// page is one page of a list, of ARM or of Graph.
type page[T any] struct {
	Value     []T    `json:"value"`
	NextARM   string `json:"nextLink"`
	NextGraph string `json:"@odata.nextLink"`
}

// list asks for in and every page behind it, and yields item by item. A stopped
// loop fetches no further page; an error is yielded once and ends it. A page may be
// empty and yet have a next one.
func list[T any](ctx context.Context, s service, in call) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		var p page[T]
		in.method, in.want, in.out = http.MethodGet, []int{http.StatusOK}, &p
		err := s.send(ctx, in)
		for err == nil {
			for _, v := range p.Value {
				if !yield(v, nil) {
					return
				}
			}
			next := p.NextARM + p.NextGraph
			if next == "" {
				return
			}
			p = page[T]{}
			err = at(in.op, s.follow(ctx, in, next))
		}
		yield(zero, err)
	}
}

// follow fetches the page that link names. The link comes from the service, yet a
// token goes with it: it must stay at the endpoint that was asked.
func (s service) follow(ctx context.Context, in call, link string) error {
	e, err := url.Parse(s.endpoint)
	if err != nil {
		return err
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != e.Scheme || u.Host != e.Host || u.User != nil {
		return &Error{Code: CodeInternal, Detail: "the next page lies at another host"}
	}
	done, err := s.budget.take(ctx, in, s.graph)
	if err != nil {
		return err
	}
	defer done()
	req, err := runtime.NewRequest(ctx, http.MethodGet, link)
	if err != nil {
		return err
	}
	return exchange(s.pipeline, req, in.want, in.out)
}

func armList[T any](ctx context.Context, c *Client, in call) iter.Seq2[T, error] {
	return list[T](ctx, c.arm, in)
}

func graphList[T any](ctx context.Context, c *Client, in call) iter.Seq2[T, error] {
	return list[T](ctx, c.graph, in)
}

// each turns the items of a list into something else; an item that cannot be turned
// ends the list with the error.
func each[A, B any](seq iter.Seq2[A, error], turn func(A) (B, bool, error)) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		for a, err := range seq {
			var b B
			keep := true
			if err == nil {
				b, keep, err = turn(a)
			}
			if err != nil {
				yield(b, err)
				return
			}
			if keep && !yield(b, nil) {
				return
			}
		}
	}
}
