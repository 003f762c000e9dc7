package pim

import (
	"context"
	"iter"
	"net/url"
	"strings"
)

const (
	armSubscriptions  = "2022-12-01"
	armResourceGroups = "2021-04-01"
	armManagement     = "2020-05-01" // management groups
)

// Place is a scope with the name that people know it by.
type Place struct {
	Scope Scope  `json:"scope"`
	Level Level  `json:"level"`
	Name  string `json:"name,omitempty"`
}

// Subscriptions yields the subscriptions below a management group, at any depth. At
// the tenant root it yields all that our identity can see.
func (c *Client) Subscriptions(ctx context.Context, s Scope) iter.Seq2[Place, error] {
	const op = "Client.Subscriptions"
	switch s.Level() {
	case LevelTenant:
		type subscription struct {
			ID   string `json:"id"`
			Name string `json:"displayName"`
		}
		items := armList[subscription](ctx, c, call{op: op, path: "/subscriptions", query: armVersion(armSubscriptions)})
		return each(items, func(i subscription) (Place, bool, error) { return place(op, i.ID, i.Name) })
	case LevelManagementGroup:
		type descendant struct {
			ID         string `json:"id"`
			Type       string `json:"type"`
			Properties struct {
				Name string `json:"displayName"`
			} `json:"properties"`
		}
		items := armList[descendant](ctx, c, call{op: op, path: s.String() + "/descendants", query: armVersion(armManagement)})
		return each(items, func(i descendant) (Place, bool, error) {
			if !strings.HasSuffix(strings.ToLower(i.Type), "/subscriptions") {
				return Place{}, false, nil
			}
			return place(op, "/subscriptions/"+lastSegment(i.ID), i.Properties.Name)
		})
	}
	return failed[Place](at(op, invalid("scope", "scope %q is not a management group", clip(s.String()))))
}

// ResourceGroups yields the resource groups of the subscription that s lies in.
func (c *Client) ResourceGroups(ctx context.Context, s Scope) iter.Seq2[Place, error] {
	const op = "Client.ResourceGroups"
	sub := s.Subscription()
	if sub == "" {
		return failed[Place](at(op, invalid("scope", "scope %q does not lie in a subscription", clip(s.String()))))
	}
	type group struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	items := armList[group](ctx, c, call{op: op, path: "/subscriptions/" + sub + "/resourcegroups", query: armVersion(armResourceGroups)})
	return each(items, func(i group) (Place, bool, error) { return place(op, i.ID, i.Name) })
}

// EligibleChildren yields the subscriptions and resource groups below s at which
// the one who is signed in could activate something. An application sees none.
func (c *Client) EligibleChildren(ctx context.Context, s Scope) iter.Seq2[Place, error] {
	const op = "Client.EligibleChildren"
	if s.Plane() != Azure {
		return failed[Place](at(op, invalid("scope", "scope %q is not one of the azure plane", clip(s.String()))))
	}
	type child struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	items := armList[child](ctx, c, call{op: op, path: armPath(s, "eligibleChildResources"), query: url.Values{
		"api-version": {armPIM},
		"$filter":     {"resourceType eq 'subscription' or resourceType eq 'resourcegroup'"},
	}})
	return each(items, func(i child) (Place, bool, error) { return place(op, i.ID, i.Name) })
}

func place(op, id, name string) (Place, bool, error) {
	s, err := ParseScope(Azure, id)
	if err != nil {
		return Place{}, false, at(op, unreadable("the scope "+clip(id), err))
	}
	return Place{Scope: s, Level: s.Level(), Name: name}, true, nil
}
