package simtenant

const graphRulePrefix = "#microsoft.graph.unifiedRoleManagementPolicy"

// renderGraphRule is one of the seventeen rules as Graph writes it.
func (t *Tenant) renderGraphRule(p *Policy, row ruleRow) map[string]any {
	rule := map[string]any{
		"@odata.type": graphRulePrefix + row.kind, "id": row.id,
		"target": map[string]any{
			"caller": row.caller, "operations": []string{"all"}, "level": row.level,
			"inheritableSettings": []any{}, "enforcedSettings": []any{},
		},
	}
	switch row.kind {
	case ruleKindExpiration:
		e := p.expirationOf(row.id)
		rule["isExpirationRequired"], rule["maximumDuration"] = e.Required, e.Maximum
	case ruleKindEnablement:
		rule["enabledRules"] = append([]string{}, *p.requiresOf(row.id)...)
	case ruleKindNotification:
		n := p.Notifications[row.id]
		rule["notificationType"], rule["recipientType"] = "Email", row.recipient
		rule["notificationLevel"], rule["isDefaultRecipientsEnabled"] = n.Level, n.DefaultRecipients
		rule["notificationRecipients"] = append([]string{}, n.Recipients...)
	case ruleKindContext:
		rule["isEnabled"], rule["claimValue"] = p.AuthenticationContext != "", textOrNil(p.AuthenticationContext)
	case ruleKindApproval:
		rule["setting"] = t.renderGraphApproval(p.Approval)
	}
	return rule
}

func (t *Tenant) renderGraphApproval(a Approval) any {
	s := t.setting(a)
	stage := s.ApprovalStages[0]
	approvers := func(list []armApprover) []any {
		out := []any{}
		for _, who := range list {
			out = append(out, renderSubjectSet(who))
		}
		return out
	}
	return map[string]any{
		"isApprovalRequired": s.IsApprovalRequired, "isApprovalRequiredForExtension": s.ForExtension,
		"isRequestorJustificationRequired": s.RequestorJustification, "approvalMode": s.ApprovalMode,
		"approvalStages": []any{map[string]any{
			"approvalStageTimeOutInDays": stage.TimeOutInDays, "isApproverJustificationRequired": stage.JustificationRequired,
			"escalationTimeInMinutes": stage.EscalationMinutes, "isEscalationEnabled": stage.Escalates,
			"primaryApprovers": approvers(stage.PrimaryApprovers), "escalationApprovers": approvers(stage.EscalationApprovers),
		}},
	}
}

func renderSubjectSet(who armApprover) map[string]any {
	m := map[string]any{"@odata.type": subjectUser, "userId": who.ID}
	if who.Description != "" {
		m["description"] = who.Description
	}
	switch {
	case who.manager > 0:
		m["@odata.type"], m["managerLevel"] = subjectManager, who.manager
		delete(m, "userId")
	case who.UserType == string(TypeGroup):
		m["@odata.type"], m["groupId"] = subjectGroup, who.ID
		delete(m, "userId")
	}
	return m
}

func (t *Tenant) graphRules(p *Policy) []map[string]any {
	var rules []map[string]any
	for _, row := range ruleTable {
		rules = append(rules, t.renderGraphRule(p, row))
	}
	if t.opt.FutureValues {
		rules = append(rules, map[string]any{
			"@odata.type": graphRulePrefix + "PimOnlyModeRule", "id": "PimOnlyMode_Admin_Assignment", "pimOnlyModeSettings": futureMember(),
		})
	}
	return rules
}
