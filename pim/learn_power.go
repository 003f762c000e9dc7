package pim

import (
	"context"
	"slices"
)

// learnRole looks the role up that the request names by another name than a built-in
// one. It comes behind the groups, so that whom no rule knows asks for nothing.
func (e *Engine) learnRole(ctx context.Context, _ *Rules, q *Question) error {
	if q.Role.ID != "" {
		return nil
	}
	role, err := e.Client.Role(ctx, q.Request.Scope, q.Request.Role)
	if err != nil {
		return err
	}
	q.Role = role
	return nil
}

// learnNested reads which of the guarded groups those lead into that the request gives
// a way into, or gives something.
func (e *Engine) learnNested(ctx context.Context, rules *Rules, q *Question) error {
	ways, guarded := q.ways(), rules.Guarded(q.Guard)
	if len(ways) == 0 || len(guarded) == 0 || !rules.asks(*q, func(*rule) bool { return true }) {
		return nil
	}
	nested := map[string][]string{}
	for _, id := range ways {
		in, err := e.leadsInto(ctx, q, id, guarded)
		if err != nil {
			return unlessDenied(err)
		}
		nested[id] = in
	}
	q.Nested = nested
	return nil
}

// mostHops bounds how many groups are followed from one; beyond it nobody knows.
const mostHops = 50

// leadsInto lists the guarded groups that id leads into: those that it is in, those that
// it may become a member or owner of, and whatever these lead into in their turn. Its
// members activate what it may activate, so the way leads on.
func (e *Engine) leadsInto(ctx context.Context, q *Question, id string, guarded []string) ([]string, error) {
	group := true
	if q.Request.Scope.Level() == LevelObject && id == q.Request.Scope.object() {
		// An app registration is in no group, and cannot be asked about.
		p, err := e.Client.Principal(ctx, id)
		if err != nil {
			return nil, err
		}
		if p.Type != TypeUser && p.Type != TypeGroup && p.Type != TypeServicePrincipal {
			return nil, nil
		}
		group = p.Type == TypeGroup
	}
	var out []string
	seen := map[string]bool{id: true}
	for queue := []string{id}; len(queue) > 0; queue = queue[1:] {
		if len(seen) > mostHops {
			return nil, &Error{Code: CodeDenied, Detail: "the group leads into more groups than are followed"}
		}
		in, err := e.Client.MemberOf(ctx, queue[0], guarded)
		if err != nil {
			return nil, err
		}
		out = append(out, in...)
		if !group {
			break
		}
		on, err := e.Client.eligibleGroups(ctx, queue[0])
		if err != nil {
			return nil, err
		}
		for _, g := range on {
			if slices.Contains(guarded, g) {
				out = append(out, g)
			}
			if !seen[g] {
				seen[g] = true
				queue = append(queue, g)
			}
		}
	}
	return out, nil
}

// learnPower reads whether a role of Azure lets its holder give roles, where a rule
// does not name it.
func (e *Engine) learnPower(ctx context.Context, rules *Rules, q *Question) error {
	if q.escalates() != unknown || !rules.asks(*q, func(r *rule) bool {
		has, named := r.roles.has(Azure, q.Role)
		return has == yes && !named
	}) {
		return nil
	}
	power, err := e.Client.power(ctx, q.Request.Scope, q.Role)
	if err != nil {
		return unlessDenied(err)
	}
	q.Power = &power
	return nil
}

// learnHoldings reads what the group holds that the request gives a way into, where a
// rule does not say that it need not know. It is the dearest fact, and so the last.
func (e *Engine) learnHoldings(ctx context.Context, rules *Rules, q *Question) error {
	if q.Request.Scope.Plane() != Group || !q.Request.Action.gives() || !rules.asks(*q, func(r *rule) bool {
		return !r.escalating || !r.ourScope && q.Guard.ResourceGroup != (Scope{})
	}) {
		return nil
	}
	held, err := e.Client.heldByGroup(ctx, q.Request.Scope.object())
	if err != nil {
		return unlessDenied(err)
	}
	var h Holdings
	for _, a := range held {
		h.Ours = h.Ours || a.Plane() == Azure && q.Guard.over(a.Scope)
		if h.Escalating {
			continue
		}
		if h.Escalating, err = e.Client.escalates(ctx, a); err != nil {
			return unlessDenied(err)
		}
	}
	q.Holds = &h
	return nil
}
