package simtenant

import (
	"maps"
	"slices"
	"strings"
)

// properties are what the directory tells of an object unasked.
func (p *principal) properties() map[string]any {
	switch p.kind {
	case TypeGroup:
		return p.groupProperties()
	case TypeServicePrincipal:
		return map[string]any{
			"id": p.id, "deletedDateTime": nil, "accountEnabled": !p.disabled, "appDisplayName": p.name, "appId": p.appID,
			"displayName": p.name, "servicePrincipalNames": []string{p.appID}, "servicePrincipalType": p.applicationType(),
			"tags": []string{},
		}
	}
	return map[string]any{
		"id": p.id, "displayName": p.name, "userPrincipalName": p.upn, "mail": textOrNil(p.mail),
		"businessPhones": []string{}, "givenName": nil, "jobTitle": nil, "mobilePhone": nil, "officeLocation": nil,
		"preferredLanguage": nil, "surname": nil,
	}
}

func (p *principal) groupProperties() map[string]any {
	m := map[string]any{
		"id": p.id, "deletedDateTime": nil, "displayName": p.name, "description": nil, "groupTypes": []string{},
		"isAssignableToRole": nil, "mail": nil, "mailEnabled": false, "mailNickname": strings.ReplaceAll(p.name, " ", ""),
		"membershipRule": nil, "membershipRuleProcessingState": nil, "onPremisesSyncEnabled": nil, "securityEnabled": true,
		"visibility": nil, "createdDateTime": wholeSeconds(p.created), "renewedDateTime": wholeSeconds(p.created),
	}
	if p.roleAssignable {
		m["isAssignableToRole"] = true
	}
	if p.onPremises {
		m["onPremisesSyncEnabled"] = true
	}
	if p.dynamic {
		m["groupTypes"], m["membershipRule"], m["membershipRuleProcessingState"] = []string{"DynamicMembership"}, "user.accountEnabled -eq true", "On"
	}
	return m
}

func (p *principal) applicationType() string {
	if p.managed {
		return "ManagedIdentity"
	}
	return "Application"
}

// onRequest are the properties that have to be asked for: of a user, whether the
// account is enabled.
func (p *principal) onRequest() map[string]any {
	if p.kind != TypeUser {
		return map[string]any{}
	}
	m := map[string]any{
		"accountEnabled": !p.disabled, "userType": "Member", "createdDateTime": wholeSeconds(p.created),
		"onPremisesSyncEnabled": nil, "department": nil, "companyName": nil, "employeeId": nil, "mailNickname": nil,
		"usageLocation": nil, "otherMails": []string{},
	}
	if p.guest {
		m["userType"] = "Guest"
	}
	return m
}

// selected are the properties that $select asks for, or the default ones.
func (p *principal) selected(query string) (map[string]any, *refusal) {
	all := p.properties()
	if query == "" {
		return all, nil
	}
	maps.Copy(all, p.onRequest())
	out := map[string]any{}
	for _, name := range strings.Split(query, ",") {
		name = strings.TrimSpace(name)
		v, ok := all[name]
		if !ok {
			return nil, refuse("BadRequest", "Could not find a property named '"+name+"' on type 'microsoft.graph."+graphTypes[p.kind]+"'.")
		}
		out[name] = v
	}
	return out, nil
}

// anyOf are the properties of an object among those of other types: $select may
// name what this one does not have, and what the token may not read is left out.
func (p *principal) anyOf(c caller, query string) map[string]any {
	m := p.properties()
	if !c.mayRead(p.kind) {
		m = map[string]any{"id": p.id}
	}
	if query != "" {
		wanted := strings.Split(query, ",")
		maps.DeleteFunc(m, func(name string, _ any) bool { return !slices.Contains(wanted, name) })
	}
	m["@odata.type"] = odataType(p.kind)
	return m
}
