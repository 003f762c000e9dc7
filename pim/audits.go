package pim

import (
	"context"
	"iter"
	"net/url"
	"strings"
	"time"
)

// AuditQuery narrows the directory's audit log. Zero fields do not narrow.
type AuditQuery struct {
	From, To  time.Time
	Principal string // object id of whom or what it is about
	By        string // object id of the user who did it
}

// AuditEvent is one entry of the directory's audit log, written by PIM. Activity is
// a text for people, which the service may word anew: decide nothing by it.
type AuditEvent struct {
	ID          string        `json:"id"`
	Time        time.Time     `json:"time"`
	Activity    string        `json:"activity"`
	Operation   string        `json:"operation,omitempty"`
	Category    string        `json:"category,omitempty"`
	Service     string        `json:"service,omitempty"`
	Correlation string        `json:"correlationId,omitempty"`
	Result      string        `json:"result,omitempty"` // success, failure, timeout
	Reason      string        `json:"reason,omitempty"`
	By          AuditActor    `json:"by,omitzero"`
	Targets     []AuditTarget `json:"targets,omitempty"`
	Details     []AuditDetail `json:"details,omitempty"`
}

// AuditActor is who did it: a user, or an application.
type AuditActor struct {
	ID    string `json:"id,omitempty"` // of a user, or of the service principal
	Name  string `json:"name,omitempty"`
	UPN   string `json:"userPrincipalName,omitempty"`
	IP    string `json:"ipAddress,omitempty"`
	AppID string `json:"appId,omitempty"`
}

// AuditTarget is one thing that it was done to.
type AuditTarget struct {
	ID        string        `json:"id,omitempty"`
	Name      string        `json:"name,omitempty"`
	Type      string        `json:"type,omitempty"`
	UPN       string        `json:"userPrincipalName,omitempty"`
	GroupType string        `json:"groupType,omitempty"`
	Changes   []AuditChange `json:"changes,omitempty"`
}

// AuditChange is a property before and after. Both are JSON in a string.
type AuditChange struct {
	Property string `json:"property"`
	Old      string `json:"old,omitempty"`
	New      string `json:"new,omitempty"`
}

// AuditDetail is what else the service noted.
type AuditDetail struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// graphAudit is a directoryAudit. The type of a target is printed with a capital in
// the reference and comes without one; encoding/json takes both.
type graphAudit struct {
	ID          string    `json:"id"`
	Time        time.Time `json:"activityDateTime"`
	Activity    string    `json:"activityDisplayName"`
	Operation   string    `json:"operationType"`
	Category    string    `json:"category"`
	Service     string    `json:"loggedByService"`
	Correlation string    `json:"correlationId"`
	Result      string    `json:"result"`
	Reason      string    `json:"resultReason"`
	By          struct {
		User *struct {
			ID   string `json:"id"`
			Name string `json:"displayName"`
			UPN  string `json:"userPrincipalName"`
			IP   string `json:"ipAddress"`
		} `json:"user"`
		App *struct {
			AppID string `json:"appId"`
			Name  string `json:"displayName"`
			ID    string `json:"servicePrincipalId"`
		} `json:"app"`
	} `json:"initiatedBy"`
	Targets []struct {
		ID        string `json:"id"`
		Name      string `json:"displayName"`
		Type      string `json:"type"`
		UPN       string `json:"userPrincipalName"`
		GroupType string `json:"groupType"`
		Changes   []struct {
			Name string `json:"displayName"`
			Old  string `json:"oldValue"`
			New  string `json:"newValue"`
		} `json:"modifiedProperties"`
	} `json:"targetResources"`
	Details []AuditDetail `json:"additionalDetails"`
}

// Audits yields what PIM wrote into the directory's audit log, about all three
// planes. An event shows a quarter of an hour late and is kept for thirty days. The
// service takes five requests in ten seconds, so pages are large.
func (c *Client) Audits(ctx context.Context, q AuditQuery) iter.Seq2[AuditEvent, error] {
	const op = "Client.Audits"
	parts := []string{"loggedByService eq 'PIM'"}
	if !q.From.IsZero() {
		parts = append(parts, "activityDateTime ge "+q.From.UTC().Format(time.RFC3339))
	}
	if !q.To.IsZero() {
		parts = append(parts, "activityDateTime le "+q.To.UTC().Format(time.RFC3339))
	}
	for _, who := range []struct{ id, before, after string }{
		{q.Principal, "targetResources/any(t:t/id eq '", "')"},
		{q.By, "initiatedBy/user/id eq '", "'"},
	} {
		if who.id == "" {
			continue
		}
		id, err := ParsePrincipal(who.id)
		if err != nil {
			return failed[AuditEvent](at(op, err))
		}
		parts = append(parts, who.before+id+who.after)
	}
	items := graphList[graphAudit](ctx, c, call{op: op, path: "/v1.0/auditLogs/directoryAudits", query: url.Values{
		"$filter": {strings.Join(parts, " and ")},
		"$top":    {"500"},
	}})
	return each(items, func(g graphAudit) (AuditEvent, bool, error) { return g.event(), true, nil })
}

func (g graphAudit) event() AuditEvent {
	e := AuditEvent{
		ID: g.ID, Time: g.Time, Activity: g.Activity, Operation: g.Operation, Category: g.Category, Service: g.Service,
		Correlation: g.Correlation, Result: g.Result, Reason: g.Reason, Details: g.Details,
	}
	if u := g.By.User; u != nil {
		e.By = AuditActor{ID: u.ID, Name: u.Name, UPN: u.UPN, IP: u.IP}
	} else if a := g.By.App; a != nil {
		e.By = AuditActor{ID: a.ID, Name: a.Name, AppID: a.AppID}
	}
	for _, t := range g.Targets {
		target := AuditTarget{ID: t.ID, Name: t.Name, Type: t.Type, UPN: t.UPN, GroupType: t.GroupType}
		for _, m := range t.Changes {
			target.Changes = append(target.Changes, AuditChange{m.Name, m.Old, m.New})
		}
		e.Targets = append(e.Targets, target)
	}
	return e
}
