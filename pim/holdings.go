package pim

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/azurepim/azure-pim/internal/crew"
)

// listsAtOnce is how many subscriptions are asked together for what a group holds.
const listsAtOnce = 8

// heldByGroup lists what whoever gets into the group comes to hold or may activate, in
// the directory and in every subscription that we can see: what the group holds, what
// the groups hold that it lies in, and those that it may become a member of. Each list
// is remembered for as long as PIM's own settings are.
func (c *Client) heldByGroup(ctx context.Context, group string) ([]Access, error) {
	var out []Access
	seen := map[string]bool{group: true}
	for queue := []string{group}; len(queue) > 0; queue = queue[1:] {
		held, err := c.heldDirectly(ctx, queue[0])
		if err != nil {
			return nil, err
		}
		out = append(out, held...)
		on, err := c.eligibleGroups(ctx, queue[0])
		if err != nil {
			return nil, err
		}
		for _, g := range on {
			if !seen[g] {
				seen[g] = true
				queue = append(queue, g)
			}
		}
	}
	return out, nil
}

func (c *Client) heldDirectly(ctx context.Context, group string) ([]Access, error) {
	directory, err := c.heldInDirectory(ctx, group)
	if err != nil {
		return nil, err
	}
	subs, err := c.held.get("subscriptions", func() ([]Access, error) {
		var all []Access
		for p, err := range c.Subscriptions(ctx, Scope{plane: Azure, level: LevelTenant, path: "/"}) {
			if err != nil {
				return nil, err
			}
			all = append(all, Access{Scope: p.Scope})
		}
		return all, nil
	})
	if err != nil {
		return nil, err
	}
	found, errs := make([][]Access, len(subs)), make([]error, len(subs))
	readers := crew.New(listsAtOnce)
	for i, s := range subs {
		readers.Send(func() {
			// ARM knows which groups the group is in.
			found[i], errs[i] = c.heldAt(ctx, Query{Plane: Azure, Scope: s.Scope, Principal: group, Groups: true})
		})
	}
	readers.Wait()
	out := slices.Clone(directory) // the cache's own stays as it is
	for i := range subs {
		if errs[i] != nil {
			return nil, errs[i]
		}
		out = append(out, found[i]...)
	}
	return out, nil
}

// heldInDirectory lists the group's directory roles. Only a group that was made for it
// can hold any, and no group that lies in another one holds what that one does.
func (c *Client) heldInDirectory(ctx context.Context, group string) ([]Access, error) {
	return c.held.get("directory "+group, func() ([]Access, error) {
		var g graphPrincipal
		err := c.graphCall(ctx, call{op: "Client.Group", method: http.MethodGet, path: "/v1.0/groups/" + group,
			query: url.Values{"$select": {groupFields}}, want: []int{http.StatusOK}, out: &g})
		if err != nil || !g.principal(TypeGroup).RoleAssignable {
			return nil, absence(err)
		}
		return c.heldAt(ctx, Query{Plane: Directory, Principal: group})
	})
}

// eligibleGroups lists the groups that the group may become a member or owner of by
// activating it, and its members with it.
func (c *Client) eligibleGroups(ctx context.Context, group string) ([]string, error) {
	on, err := c.listed(ctx, Eligibility, Query{Plane: Group, Principal: group})
	var out []string
	for _, a := range on {
		out = append(out, a.Scope.object())
	}
	return out, err
}

// heldAt lists both sides of what q asks for.
func (c *Client) heldAt(ctx context.Context, q Query) ([]Access, error) {
	active, err := c.listed(ctx, Assignment, q)
	if err != nil {
		return nil, err
	}
	eligible, err := c.listed(ctx, Eligibility, q)
	return append(active[:len(active):len(active)], eligible...), err
}

// listed reads one list, and remembers it.
func (c *Client) listed(ctx context.Context, k Kind, q Query) ([]Access, error) {
	return c.held.get(string(k)+" "+string(q.Plane)+" "+q.Scope.Key()+" "+q.Principal, func() ([]Access, error) {
		var out []Access
		odd := 0
		q.Odd = func(string) { odd++ }
		for i, err := range c.Instances(ctx, k, q) {
			if err != nil {
				return nil, err
			}
			out = append(out, i.Access)
		}
		if odd > 0 {
			// A role is held there, whatever it is.
			return nil, &Error{Code: CodeDenied, Detail: "something is held where no scope can be named"}
		}
		return out, nil
	})
}
