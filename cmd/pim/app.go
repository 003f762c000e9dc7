package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/azurepim/azure-pim/pim"
	"github.com/spf13/cobra"
)

const (
	// appTimeout is just above what the front end of App Service gives an answer.
	appTimeout = 235 * time.Second
	// maxAnswer bounds an answer of the app, in bytes: a plan of a sweep is its
	// longest.
	maxAnswer = 64 << 20
)

// appFlags say where the app is, and how to show it who asks.
type appFlags struct {
	signIn
	at, key, audience string
}

func (f *appFlags) flags(cmd *cobra.Command) {
	f.signIn.flags(cmd)
	s := cmd.Flags()
	s.StringVar(&f.at, "app", "", "address of the function app (default $PIM_APP_URL)")
	s.StringVar(&f.key, "key", "", "function key; better kept in $PIM_FUNCTION_KEY, where other processes do not see it")
	s.StringVar(&f.audience, "audience", "", "sign in and ask with a token for this audience, such as api://<client id> (default $PIM_APP_AUDIENCE)")
}

// app is the deployed function app.
type app struct {
	base  *url.URL
	key   string
	token func(context.Context) (string, error) // nil: the key alone says who asks
	http  *http.Client
}

// app finds the address, and what is sent along to prove who asks.
func (c *cli) app(f appFlags) (*app, error) {
	or := func(flag, env string) string {
		if flag != "" {
			return flag
		}
		return strings.TrimSpace(c.getenv(env))
	}
	base, err := appURL(or(f.at, "PIM_APP_URL"))
	if err != nil {
		return nil, err
	}
	a := &app{base: base, key: or(f.key, "PIM_FUNCTION_KEY"), http: &http.Client{
		Timeout: appTimeout,
		// A key must not follow to wherever somebody points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	audience := or(f.audience, "PIM_APP_AUDIENCE")
	if audience == "" && a.key == "" {
		return nil, usage("the app must know who asks: set PIM_FUNCTION_KEY, or sign in for an --audience")
	}
	if audience == "" {
		return a, nil
	}
	cfg, err := c.settings(f.signIn)
	if err != nil {
		return nil, err
	}
	cred, err := c.credential(f.signIn, cfg)
	if err != nil {
		return nil, err
	}
	a.token = bearer(cred, audience)
	return a, nil
}

func bearer(cred azcore.TokenCredential, audience string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		t, err := cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{strings.TrimSuffix(audience, "/") + "/.default"}})
		return t.Token, err
	}
}

// appURL takes https addresses, and plain http on this machine. It repeats nothing of
// an address that it refuses: people paste keys in them.
func appURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, usage("no app is named: set --app or PIM_APP_URL to its address, or decide here with --rules")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return nil, usage("--app is no address such as https://contoso-pim.azurewebsites.net")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, usage("--app holds more than an address; a key belongs in PIM_FUNCTION_KEY")
	case u.Scheme == "https":
	case u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost" || u.Hostname() == "::1"):
	default:
		return nil, usage("--app is not https, and not on this machine: the key could be read on its way")
	}
	return u, nil
}

func (a *app) get(ctx context.Context, path string, out any) error {
	return a.call(ctx, http.MethodGet, path, nil, out)
}

func (a *app) post(ctx context.Context, path string, body []byte, out any) error {
	return a.call(ctx, http.MethodPost, path, body, out)
}

// call asks the function at path, which may hold a query, and decodes the answer.
func (a *app) call(ctx context.Context, method, path string, body []byte, out any) error {
	target, err := a.base.Parse(strings.TrimSuffix(a.base.Path, "/") + "/api/" + path)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json, application/problem+json")
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.key != "" {
		r.Header.Set("x-functions-key", a.key)
	}
	if a.token != nil {
		token, err := a.token(ctx)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := a.http.Do(r)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err
		}
		return fmt.Errorf("the app at %s cannot be reached: %w", a.base.Host, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("the app's answer broke off: %w", err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return refusal(resp, b)
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("the app answered %s, and not what it is asked for; is --app the address of azure-pim?", resp.Status)
	}
	return nil
}

// problem is a problem document (RFC 9457) as the app writes it.
type problem struct {
	Code    pim.Code     `json:"code"`
	Title   string       `json:"title,omitempty"`
	Detail  string       `json:"detail,omitempty"`
	Field   string       `json:"field,omitempty"`
	Reasons []pim.Reason `json:"reasons,omitempty"`
	PIMCode string       `json:"pimCode,omitempty"`
	Remedy  string       `json:"remedy,omitempty"`
	Trace   string       `json:"trace,omitempty"`
}

func (p problem) String() string {
	return words(&pim.Error{Code: p.Code, Detail: p.text(), PIMCode: p.PIMCode, Unmet: p.Reasons, Remedy: p.Remedy})
}

func (p problem) text() string {
	switch {
	case p.Detail != "":
		return p.Detail
	case p.Title != "":
		return strings.ToLower(p.Title[:1]) + p.Title[1:]
	}
	return string(p.Code)
}

// refusal is the error of an answer that is none: the app's own problem document, or
// what the host in front of it says in a status alone.
func refusal(resp *http.Response, body []byte) error {
	var p problem
	if json.Unmarshal(body, &p) == nil && p.Code != "" {
		remedy := p.Remedy
		if p.Trace != "" && p.Code == pim.CodeInternal {
			remedy = "look for " + p.Trace + " in the app's log"
		}
		return &pim.Error{Op: "app", Code: p.Code, Detail: "the app says: " + p.text(), PIMCode: p.PIMCode, Unmet: p.Reasons, Remedy: remedy}
	}
	e := &pim.Error{Op: "app", Code: pim.CodeInternal, Detail: "the app answered " + resp.Status}
	switch s := resp.StatusCode; {
	case s == http.StatusUnauthorized:
		e.Remedy = "the host does not take the key: look at PIM_FUNCTION_KEY"
	case s == http.StatusNotFound:
		e.Remedy = "the app has no such function: look at --app, and at the app's version"
	case s >= 300 && s < 400:
		e.Remedy = "--app must be the address that answers, not one that points to it"
	case s >= 500:
		e.Remedy = "the app may be starting: try again in a minute"
	}
	return e
}
