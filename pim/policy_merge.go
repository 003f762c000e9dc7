package pim

import (
	"encoding/json"
	"slices"
)

// onto is r as the service takes it: old, as the service wrote it, with what r says
// otherwise. A list that is still empty stays null where the service wrote null.
func (r PolicyRule) onto(old PolicyRule, p Plane) (json.RawMessage, error) {
	m, err := fieldsOf(old.raw)
	if err != nil {
		return nil, err
	}
	switch {
	case old.Type == expirationRule && r.Expiration != nil:
		m.set("isExpirationRequired", r.Expiration.Required)
		if r.Expiration.Most > 0 && r.Expiration.Most != old.Expiration.Most {
			m.set("maximumDuration", r.Expiration.Most.String())
		}
	case old.Type == enablementRule && !slices.Equal(r.Enabled, old.Enabled):
		m.set("enabledRules", noNull(r.Enabled))
	case old.Type == authContextRule && r.AuthContext != nil:
		m.set("isEnabled", r.AuthContext.Enabled)
		if r.AuthContext.Claim != old.AuthContext.Claim {
			m.set("claimValue", r.AuthContext.Claim)
		}
	case old.Type == notificationRule && r.Notification != nil:
		m.set("notificationLevel", r.Notification.Level)
		m.set("isDefaultRecipientsEnabled", r.Notification.Defaults)
		if !slices.Equal(r.Notification.Recipients, old.Notification.Recipients) {
			m.set("notificationRecipients", noNull(r.Notification.Recipients))
		}
	case old.Type == approvalRule && r.Approval != nil:
		setting, err := r.Approval.onto(m["setting"], p)
		if err != nil {
			return nil, err
		}
		m.set("setting", setting)
	}
	return m.raw(), nil
}

// onto is the approval's setting with what a says. PIM has one stage; a setting that
// has none yet gets one with the service's defaults.
func (a PolicyApproval) onto(raw json.RawMessage, p Plane) (fields, error) {
	setting, err := fieldsOf(raw)
	if err != nil {
		return nil, err
	}
	setting.set("isApprovalRequired", a.Required)
	var stages []json.RawMessage
	if err := json.Unmarshal(setting["approvalStages"], &stages); setting["approvalStages"] != nil && err != nil {
		return nil, unreadable("the stages of an approval", err)
	}
	if len(stages) == 0 {
		if len(a.Approvers) == 0 {
			return setting, nil
		}
		stages = []json.RawMessage{json.RawMessage(`{"approvalStageTimeOutInDays":1,"isApproverJustificationRequired":true,` +
			`"escalationTimeInMinutes":0,"isEscalationEnabled":false,"primaryApprovers":[],"escalationApprovers":[]}`)}
		setting.set("approvalMode", "SingleStage")
	}
	stage, err := fieldsOf(stages[0])
	if err != nil {
		return nil, err
	}
	approvers, err := mergeApprovers(stage["primaryApprovers"], a.Approvers, p)
	if err != nil {
		return nil, err
	}
	stage.set("primaryApprovers", approvers)
	stages[0] = stage.raw()
	setting.set("approvalStages", stages)
	return setting, nil
}

// mergeApprovers keeps the entries of those who stay, and of what is neither a user
// nor a group, since Approver does not show it.
func mergeApprovers(raw json.RawMessage, want []Approver, p Plane) ([]json.RawMessage, error) {
	var old []json.RawMessage
	if raw != nil {
		if err := json.Unmarshal(raw, &old); err != nil {
			return nil, unreadable("the approvers of a policy", err)
		}
	}
	want = slices.Clone(want)
	for i, a := range want {
		id, ok := parseGUID(a.ID)
		if !ok {
			return nil, invalid("approvers", "approver %q is not an object id (a GUID)", clip(a.ID))
		}
		want[i].ID = id
	}
	merged := []json.RawMessage{}
	var kept []Approver
	for _, entry := range old {
		var w approverWire
		if err := json.Unmarshal(entry, &w); err != nil {
			return nil, unreadable("an approver of a policy", err)
		}
		a, named := w.approver()
		if named && !slices.Contains(want, a) {
			continue
		}
		merged, kept = append(merged, entry), append(kept, a)
	}
	for _, a := range want {
		if slices.Contains(kept, a) {
			continue // stays, or was named twice
		}
		merged, kept = append(merged, newApprover(a, p)), append(kept, a)
	}
	return merged, nil
}

func newApprover(a Approver, p Plane) json.RawMessage {
	m := fields{}
	switch {
	case p == Azure && a.Group:
		m.set("userType", "Group")
	case p == Azure:
		m.set("userType", "User")
	case a.Group:
		m.set("@odata.type", "#microsoft.graph.groupMembers")
		m.set("groupId", a.ID)
	default:
		m.set("@odata.type", "#microsoft.graph.singleUser")
		m.set("userId", a.ID)
	}
	if p == Azure {
		m.set("id", a.ID)
		m.set("description", "")
		m.set("isBackup", false)
	}
	return m.raw()
}

// fields is a JSON object of which we change some members and keep the others.
type fields map[string]json.RawMessage

func fieldsOf(raw json.RawMessage) (fields, error) {
	m := fields{}
	if len(raw) == 0 {
		return m, nil
	}
	if err := json.Unmarshal(raw, &m); err != nil || m == nil {
		return nil, unreadable("a part of a policy rule", err)
	}
	return m, nil
}

func (m fields) set(name string, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("a rule can always be written: " + err.Error())
	}
	m[name] = raw
}

func (m fields) raw() json.RawMessage {
	raw, err := json.Marshal(m)
	if err != nil {
		panic("a rule can always be written: " + err.Error())
	}
	return raw
}

// noNull is never null on the wire.
func noNull(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
