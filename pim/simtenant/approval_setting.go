package simtenant

import (
	"slices"
	"strings"
)

// armApproval is the setting of an approval rule, as both services have it. Only what
// [Approval] says is enforced; the rest is kept as it was sent, since a rule is
// replaced whole.
type armApproval struct {
	IsApprovalRequired     bool               `json:"isApprovalRequired"`
	ForExtension           bool               `json:"isApprovalRequiredForExtension"`
	RequestorJustification bool               `json:"isRequestorJustificationRequired"`
	ApprovalMode           string             `json:"approvalMode"`
	ApprovalStages         []armApprovalStage `json:"approvalStages"`
}

type armApprovalStage struct {
	TimeOutInDays         int           `json:"approvalStageTimeOutInDays"`
	JustificationRequired bool          `json:"isApproverJustificationRequired"`
	EscalationMinutes     int           `json:"escalationTimeInMinutes"`
	Escalates             bool          `json:"isEscalationEnabled"`
	PrimaryApprovers      []armApprover `json:"primaryApprovers"`
	EscalationApprovers   []armApprover `json:"escalationApprovers"`
}

type armApprover struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	IsBackup    bool   `json:"isBackup"`
	UserType    string `json:"userType"`
	// manager is the level of the requestor's manager, whom Graph alone can name; zero
	// for anybody else. Nobody in this directory has one, so such decides nothing.
	manager int
}

var approvalModes = []string{"", "SingleStage", "Serial", "Parallel", "NoApproval"}

func (t *Tenant) applyApproval(p *Policy, s *armApproval) *refusal {
	if s == nil || len(s.ApprovalStages) > 1 || s.IsApprovalRequired && len(s.ApprovalStages) == 0 {
		return invalidPolicy("The approval rule needs a setting with one stage.")
	}
	if !slices.Contains(approvalModes, s.ApprovalMode) {
		return invalidPolicy("The approvalMode '" + s.ApprovalMode + "' is not valid.")
	}
	next := Approval{Required: s.IsApprovalRequired, TimeOutDays: 1, JustificationRequired: true, sent: s}
	if len(s.ApprovalStages) == 1 {
		stage := s.ApprovalStages[0]
		next.TimeOutDays, next.JustificationRequired = max(stage.TimeOutInDays, 1), stage.JustificationRequired
		for _, a := range slices.Concat(stage.PrimaryApprovers, stage.EscalationApprovers) {
			if a.manager == 0 && t.approver(a) == nil {
				return invalidPolicy("The approver '" + a.ID + "' of type '" + a.UserType + "' is not valid.")
			}
		}
		for _, a := range stage.PrimaryApprovers {
			if a.manager == 0 {
				next.Approvers = append(next.Approvers, strings.ToLower(a.ID))
			}
		}
	}
	p.Approval = next
	return nil
}

// approver is the user or the group that is meant, or nil.
func (t *Tenant) approver(a armApprover) *principal {
	p := t.principal(a.ID)
	if p == nil || string(p.kind) != a.UserType || p.kind == TypeServicePrincipal {
		return nil
	}
	return p
}

// setting is the rule as it is answered: what was sent, with what is enforced as it
// is now.
func (t *Tenant) setting(a Approval) armApproval {
	s := armApproval{RequestorJustification: true}
	var stage armApprovalStage
	if a.sent != nil {
		s = *a.sent
		if len(s.ApprovalStages) > 0 {
			stage = s.ApprovalStages[0]
		}
	}
	if s.ApprovalMode == "" {
		s.ApprovalMode = "SingleStage"
	}
	var primary []armApprover
	for _, id := range a.Approvers {
		who := armApprover{ID: id, UserType: string(TypeUser)}
		if i := slices.IndexFunc(stage.PrimaryApprovers, func(b armApprover) bool { return sameID(b.ID, id) }); i >= 0 {
			who = stage.PrimaryApprovers[i]
		}
		primary = append(primary, t.described(who))
	}
	for _, who := range stage.PrimaryApprovers {
		if who.manager > 0 {
			primary = append(primary, who)
		}
	}
	var escalation []armApprover
	for _, who := range stage.EscalationApprovers {
		escalation = append(escalation, t.described(who))
	}
	stage.PrimaryApprovers, stage.EscalationApprovers = primary, escalation
	stage.TimeOutInDays, stage.JustificationRequired = a.TimeOutDays, a.JustificationRequired
	s.IsApprovalRequired, s.ApprovalStages = a.Required, []armApprovalStage{stage}
	return s
}

// described is an approver with what the directory knows of it.
func (t *Tenant) described(who armApprover) armApprover {
	p := t.principal(who.ID)
	if p == nil {
		return who
	}
	who.ID, who.UserType = p.id, string(p.kind)
	if who.Description == "" {
		who.Description = p.name
	}
	return who
}

// byManager reports whether the requestor's manager is among the approvers.
func (a Approval) byManager() bool {
	return a.sent != nil && slices.ContainsFunc(a.sent.ApprovalStages, func(s armApprovalStage) bool {
		return slices.ContainsFunc(s.PrimaryApprovers, func(who armApprover) bool { return who.manager > 0 })
	})
}
