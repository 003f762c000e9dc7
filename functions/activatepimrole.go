package functions

import (
	"encoding/json"
	"net/http"

	"github.com/azurepim/azure-pim/pim"
)

// activation is the body of activatePIMRole, in both of its forms: a role at a
// resource, or Owner of a subscription for a change request.
type activation struct {
	User          string `json:"userObjectId"`
	Role          string `json:"roleDefinitionId"`
	Resource      string `json:"resourceId"`
	Subscription  string `json:"subscriptionId"`
	Justification string `json:"justification"`
	ChangeRequest string `json:"changeRequestId"`
	Duration      string `json:"duration"`     // default PT1H
	TicketSystem  string `json:"ticketSystem"` //
}

// activatePIMRole grants a role to a user: the function that others call first.
func (a *App) activatePIMRole(r *http.Request, caller pim.Caller) (answer, error) {
	b, err := body(r)
	if err != nil {
		return answer{}, err
	}
	var in activation
	if err := pim.DecodeStrict(b, &in); err != nil {
		return answer{}, err
	}
	req, err := in.request()
	if err != nil {
		return answer{}, err
	}
	return a.one(r, caller, req)
}

func (in activation) request() (pim.Request, error) {
	missing := func(field string) (pim.Request, error) {
		return pim.Request{}, &pim.Error{Code: pim.CodeInvalid, Field: field, Detail: field + " is missing"}
	}
	scope, role := in.Resource, in.Role
	switch {
	case in.User == "":
		return missing("userObjectId")
	case in.Justification == "":
		return missing("justification")
	case in.Resource != "" && in.Subscription != "":
		return pim.Request{}, &pim.Error{Code: pim.CodeInvalid, Field: "resourceId", Detail: "resourceId and subscriptionId exclude each other"}
	case in.Subscription != "":
		scope = "/subscriptions/" + in.Subscription
		if role == "" {
			role = pim.OwnerRole
		}
	case in.Resource == "":
		return missing("resourceId")
	case in.Role == "":
		return missing("roleDefinitionId")
	}
	wire, err := json.Marshal(map[string]any{
		"id": in.ChangeRequest, "action": pim.Grant, "plane": pim.Azure, "scope": scope, "role": role,
		"principalId": in.User, "duration": in.Duration, "justification": in.Justification,
		"ticket": pim.Ticket{Number: in.ChangeRequest, System: in.TicketSystem},
	})
	if err != nil {
		return pim.Request{}, err
	}
	var req pim.Request
	err = req.UnmarshalJSON(wire)
	return req, in.rename(err)
}

// rename puts the names of this body's fields on an error about the Request's.
func (in activation) rename(err error) error {
	e, ok := err.(*pim.Error)
	if !ok {
		return err
	}
	names := map[string]string{"principalId": "userObjectId", "role": "roleDefinitionId", "scope": "resourceId", "id": "changeRequestId", "ticket.number": "changeRequestId", "ticket.system": "ticketSystem"}
	if in.Subscription != "" {
		names["scope"] = "subscriptionId"
	}
	if name, ok := names[e.Field]; ok {
		renamed := *e
		renamed.Field = name
		return &renamed
	}
	return err
}
