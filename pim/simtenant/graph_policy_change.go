package simtenant

import (
	"encoding/json"
	"net/http"
	"strings"
)

// graphRuleBody is a rule in a PATCH. It is the rule whole: what is left out is
// empty afterwards.
type graphRuleBody struct {
	armRule
	ODataType string         `json:"@odata.type"`
	Setting   *graphApproval `json:"setting"`
}

// graphApproval is the setting with approvers as Graph names them.
type graphApproval struct {
	armApproval
	ApprovalStages []struct {
		armApprovalStage
		PrimaryApprovers    []graphSubjectSet `json:"primaryApprovers"`
		EscalationApprovers []graphSubjectSet `json:"escalationApprovers"`
	} `json:"approvalStages"`
}

// graphSubjectSet is an approver: a user, the members of a group, or the manager of
// whoever asks.
type graphSubjectSet struct {
	ODataType    string `json:"@odata.type"`
	UserID       string `json:"userId"`
	GroupID      string `json:"groupId"`
	ManagerLevel int    `json:"managerLevel"`
	Description  string `json:"description"`
}

const (
	subjectUser    = "#microsoft.graph.singleUser"
	subjectGroup   = "#microsoft.graph.groupMembers"
	subjectManager = "#microsoft.graph.requestorManager"
)

func readSubjectSets(list []graphSubjectSet) ([]armApprover, *refusal) {
	var out []armApprover
	for _, s := range list {
		who := armApprover{Description: s.Description}
		switch "#" + strings.TrimPrefix(s.ODataType, "#") {
		case subjectUser:
			who.ID, who.UserType = s.UserID, string(TypeUser)
		case subjectGroup:
			who.ID, who.UserType = s.GroupID, string(TypeGroup)
		case subjectManager:
			who.manager = max(s.ManagerLevel, 1)
		default:
			return nil, invalidPolicy("The approver of type '" + s.ODataType + "' is not valid.")
		}
		out = append(out, who)
	}
	return out, nil
}

// rule is the body as the rule that both services have in common.
func (b graphRuleBody) rule() (armRule, *refusal) {
	kind, ok := strings.CutPrefix("#"+strings.TrimPrefix(b.ODataType, "#"), graphRulePrefix)
	if !ok {
		return armRule{}, refuse("BadRequest", "The @odata.type of the rule '"+b.ID+"' is missing or unknown.")
	}
	r := b.armRule
	r.RuleType = armRulePrefix + kind
	if b.Setting == nil {
		return r, nil
	}
	setting := b.Setting.armApproval
	for _, s := range b.Setting.ApprovalStages {
		var err *refusal
		stage := s.armApprovalStage
		if stage.PrimaryApprovers, err = readSubjectSets(s.PrimaryApprovers); err != nil {
			return r, err
		}
		if stage.EscalationApprovers, err = readSubjectSets(s.EscalationApprovers); err != nil {
			return r, err
		}
		setting.ApprovalStages = append(setting.ApprovalStages, stage)
	}
	r.Setting = &setting
	return r, nil
}

// graphPatchRule replaces one rule.
func (t *Tenant) graphPatchRule(c *graphCall) *answer {
	if _, ok := ruleByID(c.args[1]); !ok {
		return graphError(noSuch())
	}
	return t.changePolicy(c, func(body []byte) ([]graphRuleBody, error) {
		b := graphRuleBody{armRule: armRule{ID: c.args[1]}}
		err := json.Unmarshal(body, &b)
		return []graphRuleBody{b}, err
	})
}

// graphPatchPolicy replaces several rules at once, or none.
func (t *Tenant) graphPatchPolicy(c *graphCall) *answer {
	return t.changePolicy(c, func(body []byte) ([]graphRuleBody, error) {
		var b struct {
			Rules []graphRuleBody `json:"rules"`
		}
		err := json.Unmarshal(body, &b)
		return b.Rules, err
	})
}

// changePolicy carries a PATCH out. A group comes under PIM by it.
func (t *Tenant) changePolicy(c *graphCall, read func(body []byte) ([]graphRuleBody, error)) *answer {
	p, err := t.policyNamed(c.args[0])
	if err == nil {
		err = t.mayWritePolicy(c.caller, p)
	}
	if err != nil {
		return graphError(err)
	}
	bodies, failure := read(c.body)
	if failure != nil {
		return graphError(refuse("BadRequest", "Unable to read JSON request payload."))
	}
	next := p.clone()
	var rules []armRule
	for _, b := range bodies {
		r, err := b.rule()
		if err == nil && len(c.args) > 1 && r.ID != c.args[1] {
			err = refuse("BadRequest", "The id of the rule is not that of the path.")
		}
		if err == nil {
			err = t.applyRule(next, r)
		}
		if err != nil {
			return graphError(err)
		}
		rules = append(rules, r)
	}
	if err := next.consistent(rules); err != nil {
		return graphError(err)
	}
	next.modified, next.modifiedBy = t.now(), c.caller.name
	*p.Policy = *next
	if p.key.plane == PlaneGroup {
		t.onboard(t.principal(p.key.scope))
	}
	t.notePolicy(p.Policy, c.caller)
	return reply(http.StatusNoContent, nil)
}
