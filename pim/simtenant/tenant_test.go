package simtenant_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

const (
	subscriptionID = "11111111-1111-4111-8111-111111111111"
	subscription   = "/subscriptions/" + subscriptionID
	rbac           = "/providers/Microsoft.Authorization/"
)

// world is a tenant with the people that most tests need.
type world struct {
	*simtenant.Tenant
	t *testing.T

	group, rg                        string
	app, alice, bob, carol, outsider string
}

func newWorld(t *testing.T, o ...simtenant.Options) *world {
	var opt simtenant.Options
	if len(o) > 0 {
		opt = o[0]
	}
	w := &world{Tenant: simtenant.New(opt), t: t}
	if !opt.FutureValues {
		w.Observe(asDocumented(t))
	}
	w.group = w.AddManagementGroup("prod", "")
	w.AddSubscription(subscriptionID, "Payments", "prod")
	w.rg = w.AddResourceGroup(subscription, "ledger")
	w.app = w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "pim app", ManagedIdentity: true})
	w.alice = w.AddUser(simtenant.User{Name: "Alice"})
	w.bob = w.AddUser(simtenant.User{Name: "Bob"})
	w.carol = w.AddUser(simtenant.User{Name: "Carol"})
	w.outsider = w.AddUser(simtenant.User{Name: "Outsider"})
	w.Assign(simtenant.Grant{Scope: "/", Role: "Owner", Principal: w.app})
	w.Assign(simtenant.Grant{Scope: subscription, Role: "Reader", Principal: w.carol})
	return w
}

// reply is an answer of the tenant.
type reply struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   []byte
}

// code is the error code of a reply, empty if it is none.
func (r reply) code() string {
	var e struct{ Error struct{ Code string } }
	_ = json.Unmarshal(r.Body, &e)
	return e.Error.Code
}

func (r reply) message() string {
	var e struct{ Error struct{ Message string } }
	_ = json.Unmarshal(r.Body, &e)
	return e.Error.Message
}

// at digs a value out of the body: at("properties", "status").
func (r reply) at(path ...string) any {
	var v any
	require.NoError(r.t, json.Unmarshal(r.Body, &v), "body %s", r.Body)
	for _, p := range path {
		m, ok := v.(map[string]any)
		require.True(r.t, ok, "no %q in %s", p, r.Body)
		v = m[p]
	}
	return v
}

func (r reply) values() []any { return r.at("value").([]any) }

// armToken is a token for ARM.
func (w *world) armToken(principal string, claims ...simtenant.Claim) string {
	return w.UserToken(principal, simtenant.AudienceARM, claims...)
}

// arm calls ARM as whoever has the token. A path without api-version gets that
// of PIM.
func (w *world) arm(token, method, path string, body any) reply {
	path, query, _ := strings.Cut(path, "?")
	if !strings.Contains(query, "api-version=") {
		query = strings.TrimPrefix(query+"&api-version=2020-10-01", "&")
	}
	return w.send(token, method, "https://management.azure.com"+path+"?"+query, body)
}

func (w *world) send(token, method, address string, body any) reply {
	w.t.Helper()
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		require.NoError(w.t, err)
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, address, content)
	require.NoError(w.t, err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := w.Client().Do(req)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return reply{w.t, resp.StatusCode, resp.Header, b}
}

// list follows a list to its end.
func (w *world) list(token, path, filter string) []map[string]any {
	w.t.Helper()
	var out []map[string]any
	r := w.arm(token, "GET", path+"?$filter="+url.QueryEscape(filter), nil)
	for {
		require.Equal(w.t, http.StatusOK, r.Status, "%s", r.Body)
		for _, v := range r.values() {
			out = append(out, v.(map[string]any))
		}
		next, _ := r.at("nextLink").(string)
		if next == "" {
			return out
		}
		r = w.send(token, "GET", next, nil)
	}
}

// props are the properties of a schedule request.
type props map[string]any

func newProps(action, principal, scope string) props {
	return props{
		"principalId": principal, "requestType": action, "justification": "because",
		"roleDefinitionId": subscription + rbac + "roleDefinitions/" + simtenant.RoleContributor,
		"scheduleInfo": map[string]any{
			"startDateTime": nil,
			"expiration":    map[string]any{"type": "AfterDuration", "duration": "PT1H"},
		},
	}.scoped(scope)
}

// scoped writes the role as requests at a scope must.
func (p props) scoped(scope string) props {
	role := p["roleDefinitionId"].(string)
	prefix := ""
	if strings.HasPrefix(scope, "/subscriptions/") {
		prefix = strings.Join(strings.Split(scope, "/")[:3], "/")
	}
	p["roleDefinitionId"] = prefix + rbac + "roleDefinitions/" + role[strings.LastIndexByte(role, '/')+1:]
	return p
}

// with returns a copy with one property changed; nil removes it.
func (p props) with(name string, value any) props {
	next := props{}
	for k, v := range p {
		next[k] = v
	}
	next[name] = value
	if value == nil {
		delete(next, name)
	}
	return next
}

// lasting returns a copy with another duration.
func (p props) lasting(duration string) props {
	return p.with("scheduleInfo", map[string]any{"expiration": map[string]any{"type": "AfterDuration", "duration": duration}})
}

func (p props) body() any { return map[string]any{"properties": p} }

// put sends a request under a new name.
func (w *world) put(token, scope, kind string, p props) reply {
	return w.putAs(token, scope, kind, uuid.NewString(), p)
}

func (w *world) putAs(token, scope, kind, name string, p props) reply {
	w.t.Helper()
	if scope == "/" {
		scope = ""
	}
	return w.arm(token, "PUT", scope+rbac+kind+"/"+name, p.body())
}

const (
	assign   = "roleAssignmentScheduleRequests"
	eligible = "roleEligibilityScheduleRequests"
)
