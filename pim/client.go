package pim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

const (
	moduleName    = "azure-pim"
	moduleVersion = "v0.1.0"
)

// Graph is the key of Microsoft Graph in [cloud.Configuration.Services], which the
// SDK does not define. Its audience is the endpoint.
const Graph cloud.ServiceName = "microsoftGraph"

// ClientOptions configures a Client. Nil and the zero value mean Azure public
// cloud, and a retry that stays within one invocation: three tries, at most five
// seconds apart. Longer waits come back as CodeBusy with RetryAfter.
type ClientOptions struct{ azcore.ClientOptions }

// Client reads and changes PIM state in one tenant. It decides nothing, and sends
// what it is told to. It is safe for concurrent use.
type Client struct {
	arm      service
	graph    service
	roles    *cache[Role]
	policies *cache[Policy]
	powers   *cache[bool]
	held     *cache[[]Access]
}

// NewClient returns a Client that signs in with cred. It makes no request.
func NewClient(cred azcore.TokenCredential, options *ClientOptions) (*Client, error) {
	const op = "NewClient"
	if cred == nil {
		// A nil credential would silently skip authorization in azcore.
		return nil, &Error{Op: op, Code: CodeInvalid, Detail: "no credential"}
	}
	var o azcore.ClientOptions
	if options != nil {
		o = options.ClientOptions
	}
	if o.Cloud.Services == nil {
		o.Cloud = cloud.AzurePublic
	}
	if o.Retry.MaxRetries == 0 && o.Retry.TryTimeout == 0 {
		o.Retry = policy.RetryOptions{
			MaxRetries:    2,
			RetryDelay:    500 * time.Millisecond,
			MaxRetryDelay: 5 * time.Second,
			// A PUT that activates has been seen to take 15 s.
			TryTimeout: 60 * time.Second,
		}
	}
	graphAt, ok := o.Cloud.Services[Graph]
	if !ok {
		graphAt = cloud.ServiceConfiguration{Endpoint: "https://graph.microsoft.com", Audience: "https://graph.microsoft.com"}
		o.Cloud.Services = maps.Clone(o.Cloud.Services)
		o.Cloud.Services[Graph] = graphAt
	}
	// Plain http carries the token in clear text: for a loopback address alone.
	o.InsecureAllowCredentialWithHTTP = loopback(graphAt.Endpoint) && loopback(o.Cloud.Services[cloud.ResourceManager].Endpoint)
	a, err := arm.NewClient(moduleName, moduleVersion, cred, &arm.ClientOptions{
		ClientOptions: o,
		// Never write to a subscription as a side effect.
		DisableRPRegistration: true,
	})
	if err != nil {
		return nil, at(op, err)
	}
	g, err := azcore.NewClient(moduleName, moduleVersion, runtime.PipelineOptions{
		PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(cred, []string{graphAt.Audience + "/.default"},
			&policy.BearerTokenOptions{InsecureAllowCredentialWithHTTP: o.InsecureAllowCredentialWithHTTP})},
		Tracing: runtime.TracingOptions{Namespace: "Microsoft.Graph"},
	}, &o)
	if err != nil {
		return nil, at(op, err)
	}
	b := newBudget()
	return &Client{
		arm:      service{pipeline: a.Pipeline(), endpoint: a.Endpoint(), budget: b},
		graph:    service{graph: true, pipeline: g.Pipeline(), endpoint: graphAt.Endpoint, budget: b},
		roles:    newCache[Role](roleLifetime),
		policies: newCache[Policy](policyLifetime),
		powers:   newCache[bool](policyLifetime),
		held:     newCache[[]Access](policyLifetime),
	}, nil
}

func loopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	return u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost" || u.Hostname() == "::1"
}

// call is one request to one of the two services and what a good answer looks like.
type call struct {
	op     string // for the log and the trace
	method string
	path   string // escaped by nobody else: made of parsed scopes, GUIDs and constants
	query  url.Values
	body   any
	want   []int // statuses that are good
	out    any   // decoded into, unless nil or the answer has no body
	reads  bool  // a POST that changes nothing
}

// writes reports whether the call may change something.
func (in call) writes() bool { return in.method != http.MethodGet && !in.reads }

// armCall sends in to Azure Resource Manager.
func (c *Client) armCall(ctx context.Context, in call) error { return c.arm.send(ctx, in) }

// graphCall sends in to Microsoft Graph. in.path begins with /v1.0 or /beta. A POST
// is repeated only where it surely was not executed: Graph takes no name from us
// by which a second one would be recognised.
func (c *Client) graphCall(ctx context.Context, in call) error {
	if in.method == http.MethodPost {
		ctx = policy.WithRetryOptions(ctx, policy.RetryOptions{
			MaxRetries: 2, RetryDelay: 500 * time.Millisecond, MaxRetryDelay: 5 * time.Second, TryTimeout: 60 * time.Second,
			ShouldRetry: func(resp *http.Response, _ error) bool {
				return resp != nil && resp.StatusCode == http.StatusTooManyRequests
			},
		})
	}
	return c.graph.send(ctx, in)
}

// service is one of the two services, and our budget with them.
type service struct {
	graph    bool
	pipeline runtime.Pipeline
	endpoint string
	budget   *budget
}

func (s service) send(ctx context.Context, in call) (err error) {
	defer func() { err = at(in.op, err) }()
	done, err := s.budget.take(ctx, in, s.graph)
	if err != nil {
		return err
	}
	defer done()
	ctx = context.WithValue(ctx, runtime.CtxAPINameKey{}, in.op)
	// RawPath keeps quotes and parentheses, which Graph's functions are written with.
	target := strings.TrimSuffix(s.endpoint, "/") + (&url.URL{Path: in.path, RawPath: in.path}).EscapedPath()
	if len(in.query) > 0 {
		// Graph reads a plus as a plus: spaces are %20.
		target += "?" + strings.ReplaceAll(in.query.Encode(), "+", "%20")
	}
	req, err := runtime.NewRequest(ctx, in.method, target)
	if err != nil {
		return err
	}
	if in.body != nil {
		if err := runtime.MarshalAsJSON(req, in.body); err != nil {
			return err
		}
	}
	return exchange(s.pipeline, req, in.want, in.out)
}

func exchange(pl runtime.Pipeline, req *policy.Request, want []int, out any) error {
	resp, err := pl.Do(req)
	if err != nil {
		return unreachable(err)
	}
	if !runtime.HasStatusCode(resp, want...) {
		return answered(resp)
	}
	if out == nil {
		return nil
	}
	body, err := runtime.Payload(resp)
	if err != nil {
		return unreachable(err)
	}
	if len(body) == 0 {
		return nil
	}
	if err := runtime.UnmarshalAsJSON(resp, out); err != nil {
		return &Error{Code: CodeInternal, Detail: "the service's answer cannot be read", Err: err}
	}
	return nil
}

// unreachable is the error of a call without an answer: it may have been executed.
func unreachable(err error) error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own // a credential that says more than that signing in failed
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &Error{Code: CodeBusy, Retry: RetryLater, Detail: "the service did not answer in time", Err: err}
	}
	return &Error{Code: CodeBusy, Retry: RetryLater, Detail: "the service could not be reached", Err: fmt.Errorf("no answer: %w", err)}
}
