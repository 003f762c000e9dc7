package simtenant

import (
	"net/http"
	"strings"
)

// serveRoleAssignments serves the plain role assignments. Whatever PIM has in
// force shows among them; what is made here shows in PIM as permanent.
func (t *Tenant) serveRoleAssignments(c *armCall) *answer {
	switch {
	case len(c.names) == 0 && c.method == http.MethodGet:
		return t.listRoleAssignments(c)
	case len(c.names) != 1:
	case c.method == http.MethodGet:
		return t.getRoleAssignment(c)
	case c.method == http.MethodPut:
		return t.putRoleAssignment(c)
	case c.method == http.MethodDelete:
		return t.deleteRoleAssignment(c)
	}
	return notAllowed(c)
}

// backed are the Azure assignments with a role assignment behind them. Azure
// enforces them at once, whatever PIM's lists show.
func (t *Tenant) backed(who circle) []*schedule {
	now := t.now()
	var out []*schedule
	for _, s := range t.schedules.of(who) {
		if s.plane == PlaneAzure && s.kind == Assignment && s.inForce(now) && !s.unbacked {
			out = append(out, s)
		}
	}
	return out
}

func (t *Tenant) roleAssignment(c *armCall) *schedule {
	for _, s := range t.backed(nil) {
		if sameID(s.originID, c.name(0)) && sameID(s.scope, c.at.id) {
			return s
		}
	}
	return nil
}

func (t *Tenant) listRoleAssignments(c *armCall) *answer {
	if !t.may(c.caller.oid, rightReadAssignments, c.at.id) {
		return armError(forbidden(c.caller, rightReadAssignments, c.at.id))
	}
	f, err := parseFilter(c.query.Get("$filter"), false)
	if err == nil && (f.role != "" || f.asTarget) {
		err = invalidFilter(c.query.Get("$filter"))
	}
	if err != nil {
		return armError(err)
	}
	concerns := t.concerns(f, c.caller)
	var items []any
	for _, s := range t.backed(concerns) {
		// Unlike PIM's lists, this one shows what is inherited from above.
		reach := t.covers(f, c.at.id, s.scope) || t.tree.contains(s.scope, c.at.id)
		if reach {
			items = append(items, t.renderRoleAssignment(s))
		}
	}
	return t.page(c, items)
}

func (t *Tenant) getRoleAssignment(c *armCall) *answer {
	if !t.may(c.caller.oid, rightReadAssignments, c.at.id) {
		return armError(forbidden(c.caller, rightReadAssignments, c.at.id))
	}
	s := t.roleAssignment(c)
	if s == nil {
		return armError(&refusal{http.StatusNotFound, "RoleAssignmentNotFound", "The role assignment '" + c.name(0) + "' is not found."})
	}
	return reply(http.StatusOK, t.renderRoleAssignment(s))
}

func (t *Tenant) putRoleAssignment(c *armCall) *answer {
	if !isGUID(c.name(0)) {
		return armError(refuse("InvalidRoleAssignmentId", "The role assignment ID '"+c.name(0)+"' is not valid. The role assignment ID must be a GUID."))
	}
	if !t.may(c.caller.oid, rightWriteAssignments, c.at.id) {
		return armError(forbidden(c.caller, rightWriteAssignments, c.at.id))
	}
	var body struct {
		Properties struct {
			RoleDefinitionID string `json:"roleDefinitionId"`
			PrincipalID      string `json:"principalId"`
			PrincipalType    string `json:"principalType"`
			Condition        string `json:"condition"`
			ConditionVersion string `json:"conditionVersion"`
		} `json:"properties"`
	}
	if err := c.decode(&body); err != nil {
		return armError(err)
	}
	p := body.Properties
	role := t.roles[strings.ToLower(lastSegment(p.RoleDefinitionID))]
	if role == nil || !strings.Contains(p.RoleDefinitionID, "/") || !t.assignableAt(role, c.at.id) {
		return armError(refuse("RoleDefinitionDoesNotExist", "The specified role definition with ID '"+p.RoleDefinitionID+"' does not exist."))
	}
	who := t.principal(p.PrincipalID)
	if who == nil || t.now().Before(who.known) && p.PrincipalType == "" {
		return armError(refuse("PrincipalNotFound", "Principal "+p.PrincipalID+" does not exist in the directory "+t.opt.TenantID+"."))
	}
	at := place{PlaneAzure, Assignment, c.at.id, role.id, who.id}
	for _, s := range t.backed(nil) {
		if s.folded() == at.folded() || sameID(s.originID, c.name(0)) {
			return armError(&refusal{http.StatusConflict, "RoleAssignmentExists", "The role assignment already exists."})
		}
	}
	s := t.newSchedule(at, t.newID())
	s.outside, s.originID, s.start = true, strings.ToLower(c.name(0)), s.created
	s.condition, s.conditionVersion = p.Condition, p.ConditionVersion
	return reply(http.StatusCreated, t.renderRoleAssignment(s))
}

// deleteRoleAssignment takes the right away. What PIM made of it stays in PIM's
// books, which is why nobody should end an activation like this.
func (t *Tenant) deleteRoleAssignment(c *armCall) *answer {
	const right = "Microsoft.Authorization/roleAssignments/delete"
	if !t.may(c.caller.oid, right, c.at.id) {
		return armError(forbidden(c.caller, right, c.at.id))
	}
	s := t.roleAssignment(c)
	if s == nil {
		return reply(http.StatusNoContent, nil)
	}
	if s.outside {
		s.revoked = t.now()
	} else {
		s.unbacked = true
	}
	return reply(http.StatusOK, t.renderRoleAssignment(s))
}

func (t *Tenant) renderRoleAssignment(s *schedule) any {
	return resource(s.scope, "roleAssignments", s.originID, map[string]any{
		"scope": s.scope, "roleDefinitionId": roleID(s.scope, s.role), "principalId": s.principal,
		"principalType": t.principalType(s.principal), "condition": textOrNil(s.condition),
		"conditionVersion": textOrNil(s.conditionVersion), "description": nil,
		"createdOn": stamp(s.created), "updatedOn": stamp(s.updated), "createdBy": nil, "updatedBy": nil,
		"delegatedManagedIdentityResourceId": nil,
	})
}
