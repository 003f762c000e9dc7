package simulation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/azurepim/azure-pim/pim"
)

// effect is a call that changes the tenant, read from the wire and not from the
// engine: what it asks for is what PIM is asked.
type effect struct {
	plane     pim.Plane
	kind      pim.Kind
	cancel    bool
	name      string // of the request: ours on ARM; on Graph only of one that is cancelled
	mark      string // on Graph, from the justification
	verb      string // in lower case
	principal string
	role      string
	scope     string // in lower case
	duration  string
}

var (
	armEffect   = regexp.MustCompile(`(?i)^(.*)/providers/Microsoft\.Authorization/role(Assignment|Eligibility)ScheduleRequests/([^/]+)(/cancel)?$`)
	graphEffect = regexp.MustCompile(`(?i)^/v1\.0/(roleManagement/directory/role|identityGovernance/privilegedAccess/group/)(Assignment|Eligibility)ScheduleRequests(?:/([^/]+)/cancel)?$`)
	graphRead   = regexp.MustCompile(`(?i)/(checkMemberGroups|getByIds)$`)
	markOf      = regexp.MustCompile(`\[pim:([^\]]+)\]$`)
)

// readEffect returns nil for a call that changes nothing, and an error for one that
// an engine has no business with.
func readEffect(r *http.Request) (*effect, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodPost && graphRead.MatchString(r.URL.Path) {
		return nil, nil
	}
	var e effect
	var text string
	if m := armEffect.FindStringSubmatch(r.URL.Path); m != nil && (r.Method == http.MethodPut) == (m[4] == "") {
		e = effect{plane: pim.Azure, kind: pim.Kind(strings.ToLower(m[2])), name: m[3], cancel: m[4] != "", scope: strings.ToLower(m[1])}
	} else if m := graphEffect.FindStringSubmatch(r.URL.Path); m != nil && r.Method == http.MethodPost {
		e = effect{plane: pim.Directory, kind: pim.Kind(strings.ToLower(m[2])), name: m[3], cancel: m[3] != ""}
		if strings.HasSuffix(m[1], "/") {
			e.plane = pim.Group
		}
	} else {
		return nil, fmt.Errorf("%s %s is no call of ours", r.Method, r.URL.Path)
	}
	if e.cancel {
		return &e, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if e.plane == pim.Azure {
		text, err = e.readARM(body)
	} else {
		text, err = e.readGraph(body)
	}
	if m := markOf.FindStringSubmatch(text); m != nil {
		e.mark = m[1]
	}
	return &e, err
}

type expiration struct {
	Expiration struct{ Duration string }
}

func (e *effect) readARM(body []byte) (justification string, err error) {
	var b struct {
		Properties struct {
			PrincipalID, RoleDefinitionID, RequestType, Justification string
			ScheduleInfo                                              expiration
		}
	}
	err = json.Unmarshal(body, &b)
	p := b.Properties
	e.principal, e.verb, e.duration = p.PrincipalID, strings.ToLower(p.RequestType), p.ScheduleInfo.Expiration.Duration
	e.role = p.RoleDefinitionID[strings.LastIndexByte(p.RoleDefinitionID, '/')+1:]
	return p.Justification, err
}

func (e *effect) readGraph(body []byte) (justification string, err error) {
	var b struct {
		PrincipalID, RoleDefinitionID, DirectoryScopeID, GroupID, AccessID, Action, Justification string
		ScheduleInfo                                                                              expiration
	}
	err = json.Unmarshal(body, &b)
	e.principal, e.verb, e.duration = b.PrincipalID, strings.ToLower(b.Action), b.ScheduleInfo.Expiration.Duration
	e.role, e.scope = b.RoleDefinitionID+b.AccessID, strings.ToLower(b.DirectoryScopeID+b.GroupID)
	return b.Justification, err
}

// is reports whether e asks for just what the change announces.
func (e effect) is(c pim.Change) bool {
	if c.Current >= len(c.Effects) {
		return false
	}
	a := c.Effects[c.Current]
	if e.kind != a.Kind || e.cancel != (c.Request.Action == pim.Cancel) || e.plane != c.Request.Plane {
		return false
	}
	if e.cancel {
		return strings.EqualFold(e.name, a.Name)
	}
	named := strings.EqualFold(e.name, a.Name) && e.name != ""
	if e.plane != pim.Azure {
		named = e.mark == a.Mark && e.mark != ""
	}
	return named && strings.EqualFold(e.verb, string(a.Type)) && strings.EqualFold(e.principal, c.Request.Principal) &&
		strings.EqualFold(e.role, c.Role.ID) && e.scope == c.Request.Scope.Key() &&
		(e.duration == "" || e.duration == a.Window.Duration.String())
}
