package sweep

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// Caller is who asks for what a sweep removes or restores: the rules speak of it as
// system: true.
var caller = pim.Caller{Kind: pim.CallerSystem, ID: "sweep"}

// Sweeper finds and ends access that has outlived its reason.
type Sweeper struct {
	Client *pim.Client // that reads
	Engine *pim.Engine // that removes: its rules decide, its guard forbids
	Store  Store
	// Rules returns the rules in force. An error, or nil rules, sweeps nothing.
	Rules func(context.Context) (*Rules, error)
	// Log takes what callers are not told. Nil discards it.
	Log *slog.Logger
}

func (s *Sweeper) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

// Plan reads the tenant and stores what it would remove. It changes nothing. What it
// cannot read is said in the plan; an error means that there is no plan.
func (s *Sweeper) Plan(ctx context.Context) (Plan, error) {
	const op = "Sweeper.Plan"
	r, err := s.rules(ctx)
	if err != nil {
		return Plan{}, at(op, err)
	}
	p, memory, err := s.read(ctx, r)
	if err != nil {
		return Plan{}, at(op, err)
	}
	b, err := json.Marshal(p)
	if err != nil {
		return Plan{}, at(op, err)
	}
	if _, err := s.Store.Save(ctx, planName(p.ID), b, ""); err != nil {
		return Plan{}, at(op, err)
	}
	// A memory that is not kept costs the next sweep some certainty, not this plan.
	if err := s.remember(ctx, memory); err != nil {
		s.log().WarnContext(ctx, "the next sweep will remember less", "error", err)
	}
	s.log().InfoContext(ctx, "sweep planned", "event", "sweep", "plan", p.ID, "hash", p.Hash, "capped", p.Capped, "seen", p.Seen(),
		"proposed", len(p.Proposals), "removable", p.Removable(), "unread", p.Unread())
	return p, nil
}

func (s *Sweeper) rules(ctx context.Context) (*Rules, error) {
	r, err := s.Rules(ctx)
	if err != nil {
		return nil, &pim.Error{Code: pim.CodeInternal, Detail: "the sweep's rules cannot be read", Err: err}
	}
	if r == nil {
		return nil, &pim.Error{Code: pim.CodeInternal, Detail: "there are no rules for the sweep"}
	}
	return r, nil
}

// read makes a plan, and what the next sweep should know.
func (s *Sweeper) read(ctx context.Context, r *Rules) (Plan, *recall, error) {
	now := time.Now().UTC()
	p := Plan{ID: planID(now), At: now, Tenant: s.Engine.Tenant, RulesHash: r.Hash(), Mode: r.mode,
		Scopes: []Count{}, Proposals: []Proposal{}, Expiring: []Ending{}}
	memory, err := s.recall(ctx)
	if err != nil {
		return p, nil, err
	}
	j, err := s.journal(ctx, r, now)
	if err != nil {
		return p, nil, err
	}
	targets := s.discover(ctx, r)
	sc := &scan{Sweeper: s, rules: r, guard: s.guard(ctx, r), now: now, recall: memory, journal: j,
		directory: s.directory(r), standing: map[id]bool{}, targets: map[string]bool{}, plan: &p}
	for _, t := range targets {
		sc.targets[key(t.scope)] = true
	}
	// Every use is known before the first eligibility is judged by it.
	if r.looks(Unused, Pending) {
		sc.each(ctx, targets, sc.requests)
	}
	sc.each(ctx, targets, sc.entries)
	for _, t := range targets {
		sc.empty(t)
	}
	if err := ctx.Err(); err != nil {
		return p, nil, &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater, Detail: "the sweep ran out of time", Err: err}
	}
	sc.close(ctx, targets)
	return p, memory, nil
}

// close puts the plan together.
func (s *scan) close(ctx context.Context, targets []*target) {
	p := s.plan
	if s.directory.err != nil && s.rules.looks(Deleted, Disabled) {
		p.problem(nil, "nobody is taken for deleted or disabled: "+words(s.directory.err))
	}
	if n := s.journal.unread; n > 0 {
		p.problem(nil, "entries of the journal that cannot be read: "+strconv.Itoa(n))
	}
	for _, t := range targets {
		if t.unread != nil {
			s.log().WarnContext(ctx, "a scope proposes nothing", "scope", t.scope.String(), "error", t.unread)
		}
		p.Scopes = append(p.Scopes, t.count)
		p.Proposals = append(p.Proposals, t.proposals...)
	}
	s.proven()
	s.rules.cap(p)
	for i := range p.Proposals {
		q := &p.Proposals[i]
		q.N = i + 1
		q.Change = q.changeID(p.At)
	}
	s.count()
	s.notices(targets)
	s.recall.forget(s.now.Add(-max(s.rules.unused, requestsKept)))
	p.Took = pim.Duration(time.Since(s.now).Round(time.Second))
	p.Hash = p.digest()
}

// proven drops those taken for disabled where nobody at all was read as enabled.
func (s *scan) proven() {
	if s.directory.enabled {
		return
	}
	kept := s.plan.Proposals[:0]
	for _, q := range s.plan.Proposals {
		if q.Rule != Disabled {
			kept = append(kept, q)
		}
	}
	if len(kept) < len(s.plan.Proposals) {
		s.plan.problem(nil, "nobody is taken for disabled: no account at all was read as enabled, so the field may be hidden from us")
	}
	s.plan.Proposals = kept
}

// count writes beside each scope what became of its findings.
func (s *scan) count() {
	at := map[string]*Count{}
	for i := range s.plan.Scopes {
		at[s.plan.Scopes[i].Scope] = &s.plan.Scopes[i]
	}
	for _, q := range s.plan.Proposals {
		c := at[q.Target]
		c.Proposed++
		switch {
		case q.Removable():
			c.Removable++
		case q.Held != heldByMode:
			c.Held++
		}
	}
}

// notices lists what is owed to those who listen. Of what may lie where nothing could
// be read it cannot be said that it has ended.
func (s *scan) notices(targets []*target) {
	s.plan.Notices = s.journal.soon
	for a, g := range s.journal.overdue {
		if !s.standing[a] && readable(targets, g.scope) {
			s.plan.Notices = append(s.plan.Notices, Notice{g.change, pim.NoticeEnd, g.until})
		}
	}
	slices.SortFunc(s.plan.Notices, func(a, b Notice) int { return cmp.Compare(a.Change, b.Change) })
}

// readable reports whether what is held at scope would have been seen, or is nothing
// that the sweep watches.
func readable(targets []*target, scope pim.Scope) bool {
	whole := true
	for _, t := range targets {
		if t.covers(scope) {
			return t.unread == nil
		}
		whole = whole && (t.unread == nil || t.scope.Plane() != scope.Plane())
	}
	return whole
}

func planID(now time.Time) string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails
	return now.Format(planTime) + "-" + hex.EncodeToString(b[:])
}

func planName(id string) string { return "plans/" + id + ".json" }

// at puts the operation's name on err, once.
func at(op string, err error) error {
	if err == nil {
		return nil
	}
	own, ok := errors.AsType[*pim.Error](err)
	switch {
	case !ok:
		return &pim.Error{Op: op, Code: pim.CodeInternal, Err: err}
	case own.Op == "":
		named := *own
		named.Op = op
		return &named
	}
	return err
}

// Sweep is what the timer does: it ends what earlier runs left open, plans, tells
// what ends, and applies the plan if the rules say that it does so by itself.
func (s *Sweeper) Sweep(ctx context.Context, until time.Time) (Plan, error) {
	if err := s.Settle(ctx); err != nil {
		return Plan{}, err
	}
	p, err := s.Plan(ctx)
	if err != nil {
		return p, err
	}
	s.tell(ctx, p)
	r, err := s.rules(ctx)
	if err != nil || !r.Automatic() || p.Removable() == 0 {
		return p, at("Sweeper.Sweep", err)
	}
	_, err = s.Apply(ctx, caller, p.Hash, until)
	return p, err
}
