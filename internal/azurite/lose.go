package azurite

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// Lose has a request carried out and its answer lost. A copy goes out: the client
// rewinds its own body for the next try, while the connection may not yet know that it
// has sent all of this one.
func Lose(send func(*http.Request) (*http.Response, error), r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	out := r.Clone(r.Context())
	out.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := send(out)
	if err != nil {
		return nil, err
	}
	return nil, errors.Join(errors.New("connection reset"), resp.Body.Close())
}
