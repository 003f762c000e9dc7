package simtenant

import (
	"bytes"
	"io"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Transport serves the tenant in this process, under whatever host is asked:
// management.azure.com, graph.microsoft.com and login.microsoftonline.com. There
// is no socket, so it lives in virtual time.
func (t *Tenant) Transport() policy.Transporter { return transport{t} }

// Client is an HTTP client on the same path.
func (t *Tenant) Client() *http.Client { return &http.Client{Transport: transport{t}} }

type transport struct{ tenant *Tenant }

// Do makes it an azcore transport.
func (tr transport) Do(r *http.Request) (*http.Response, error) { return tr.RoundTrip(r) }

// RoundTrip makes it an http.RoundTripper.
func (tr transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a, err := tr.tenant.exchange(r.Clone(r.Context()))
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header.Clone(), ContentLength: int64(len(a.body)), Body: io.NopCloser(bytes.NewReader(a.body)), Request: r,
	}, nil
}
