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

type graphApproval struct {
	IsApprovalRequired bool   `json:"isApprovalRequired"`
	ApprovalMode       string `json:"approvalMode"`
	ApprovalStages     []struct {
		TimeOutInDays         int               `json:"approvalStageTimeOutInDays"`
		JustificationRequired bool              `json:"isApproverJustificationRequired"`
		PrimaryApprovers      []graphSubjectSet `json:"primaryApprovers"`
	} `json:"approvalStages"`
}

// graphSubjectSet is an approver: a user, or the members of a group.
type graphSubjectSet struct {
	ODataType string `json:"@odata.type"`
	UserID    string `json:"userId"`
	GroupID   string `json:"groupId"`
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
	r.Setting = &armApproval{IsApprovalRequired: b.Setting.IsApprovalRequired, ApprovalMode: b.Setting.ApprovalMode}
	for _, s := range b.Setting.ApprovalStages {
		stage := armApprovalStage{TimeOutInDays: s.TimeOutInDays, JustificationRequired: s.JustificationRequired}
		for _, who := range s.PrimaryApprovers {
			switch strings.TrimPrefix(who.ODataType, "#") {
			case "microsoft.graph.singleUser":
				stage.PrimaryApprovers = append(stage.PrimaryApprovers, armApprover{who.UserID, string(TypeUser)})
			case "microsoft.graph.groupMembers":
				stage.PrimaryApprovers = append(stage.PrimaryApprovers, armApprover{who.GroupID, string(TypeGroup)})
			default:
				return r, invalidPolicy("The approver of type '" + who.ODataType + "' is not valid.")
			}
		}
		r.Setting.ApprovalStages = append(r.Setting.ApprovalStages, stage)
	}
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
