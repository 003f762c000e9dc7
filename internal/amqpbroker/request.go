package amqpbroker

import "fmt"

// request is what a client asks of a $management node.
type request struct {
	queue *queue
	conn  *conn
	in    pairs
}

func (r request) tokens() ([]uuid, error)     { return listOf[uuid](r, "lock-tokens") }
func (r request) sequences() ([]int64, error) { return listOf[int64](r, "sequence-numbers") }

// listOf returns what the request holds under a key: a list or array of at
// least one element, all of one type.
func listOf[T any](r request, key string) ([]T, error) {
	list, _ := r.in.get(key).([]any)
	if len(list) == 0 {
		return nil, errArgument("%s has nothing in it.", key)
	}
	var out []T
	for _, x := range list {
		v, ok := x.(T)
		if !ok {
			return nil, errArgument("%s has an element of the wrong type.", key)
		}
		out = append(out, v)
	}
	return out, nil
}

func errArgument(format string, a ...any) *fault {
	return &fault{"com.microsoft:argument-error", fmt.Sprintf(format, a...), 400}
}
