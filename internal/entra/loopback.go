package entra

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// onLoopback lets a local stand-in for Entra be asked in plain http, which azidentity
// does not do at all: on a loopback address the tokens stay on the machine. It reports
// whether that is where o signs in.
func onLoopback(o azcore.ClientOptions) (azcore.ClientOptions, bool) {
	u, err := url.Parse(o.Cloud.ActiveDirectoryAuthorityHost)
	if err != nil || u.Scheme != "http" || !net.ParseIP(u.Hostname()).IsLoopback() {
		return o, false
	}
	next := o.Transport
	if next == nil {
		next = http.DefaultClient
	}
	o.Transport = plain{host: u.Host, next: next}
	u.Scheme = "https"
	o.Cloud.ActiveDirectoryAuthorityHost = u.String()
	return o, true
}

// mostLocal bounds an answer of the stand-in, in bytes.
const mostLocal = 1 << 20

// plain asks one host in plain http, and has its answers speak of it as of one with
// TLS: MSAL compares the issuer in the metadata with the authority that it knows.
type plain struct {
	host string
	next policy.Transporter
}

func (p plain) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Host != p.host {
		return p.next.Do(r)
	}
	r = r.Clone(r.Context())
	r.URL.Scheme = "http"
	resp, err := p.next.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, mostLocal))
	if err != nil {
		return nil, err
	}
	b = bytes.ReplaceAll(b, []byte("http://"+p.host), []byte("https://"+p.host))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return resp, nil
}
