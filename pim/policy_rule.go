package pim

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/sosodev/duration"
)

const (
	expirationRule   = "ExpirationRule"
	enablementRule   = "EnablementRule"
	approvalRule     = "ApprovalRule"
	authContextRule  = "AuthenticationContextRule"
	notificationRule = "NotificationRule"
)

// ruleWire is a policy rule as either service writes it. ARM names the type in
// ruleType, Graph in @odata.type; the rest is the same but for the approvers.
type ruleWire struct {
	ID         string   `json:"id"`
	RuleType   string   `json:"ruleType"`
	ODataType  string   `json:"@odata.type"`
	Required   bool     `json:"isExpirationRequired"`
	Maximum    string   `json:"maximumDuration"`
	EnabledIDs []string `json:"enabledRules"`
	Setting    *struct {
		Required bool `json:"isApprovalRequired"`
		Stages   []struct {
			Approvers []approverWire `json:"primaryApprovers"`
		} `json:"approvalStages"`
	} `json:"setting"`
	IsEnabled  bool     `json:"isEnabled"`
	Claim      string   `json:"claimValue"`
	Recipient  string   `json:"recipientType"`
	Level      string   `json:"notificationLevel"`
	Defaults   bool     `json:"isDefaultRecipientsEnabled"`
	Recipients []string `json:"notificationRecipients"`
}

// approverWire is {"id","userType"} on ARM, and on Graph an @odata.type with userId
// or groupId.
type approverWire struct {
	ID        string `json:"id"`
	UserType  string `json:"userType"`
	ODataType string `json:"@odata.type"`
	UserID    string `json:"userId"`
	GroupID   string `json:"groupId"`
}

// approver is false for what is neither a user nor a group, such as the requestor's
// manager: it stays in the raw rule.
func (w approverWire) approver() (Approver, bool) {
	a := Approver{ID: strings.ToLower(w.ID + w.UserID + w.GroupID), Group: w.GroupID != "" || strings.EqualFold(w.UserType, "Group")}
	return a, a.ID != ""
}

// readRule decodes one rule and keeps it whole beside. A rule of a type that is not
// known here has its name and nothing else.
func readRule(raw json.RawMessage) (PolicyRule, error) {
	var w ruleWire
	if err := json.Unmarshal(raw, &w); err != nil {
		return PolicyRule{}, unreadable("a policy rule", err)
	}
	r := PolicyRule{ID: w.ID, Type: w.RuleType + w.ODataType, raw: raw}
	if i := strings.LastIndex(r.Type, "RoleManagementPolicy"); i >= 0 {
		r.Type = r.Type[i+len("RoleManagementPolicy"):]
	}
	switch r.Type {
	case expirationRule:
		most, err := policyDuration(w.Maximum)
		if err != nil {
			return PolicyRule{}, err
		}
		r.Expiration = &PolicyExpiration{Required: w.Required, Most: most}
	case enablementRule:
		r.Enabled = w.EnabledIDs
	case approvalRule:
		r.Approval = &PolicyApproval{}
		if w.Setting == nil {
			break
		}
		r.Approval.Required = w.Setting.Required
		for _, stage := range w.Setting.Stages {
			for _, a := range stage.Approvers {
				if who, ok := a.approver(); ok {
					r.Approval.Approvers = append(r.Approval.Approvers, who)
				}
			}
		}
	case authContextRule:
		r.AuthContext = &PolicyContext{Enabled: w.IsEnabled, Claim: w.Claim}
	case notificationRule:
		r.Notification = &PolicyNotice{Recipient: w.Recipient, Level: w.Level, Defaults: w.Defaults, Recipients: w.Recipients}
	}
	return r, nil
}

func readRules(raws []json.RawMessage) ([]PolicyRule, error) {
	rules := make([]PolicyRule, 0, len(raws))
	for _, raw := range raws {
		r, err := readRule(raw)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// policyDuration reads a bound that somebody else wrote. A month is 28 days and a
// year 365, the shortest that they can be, since a bound must not grow in the
// reading. Nothing and PT0S are both zero: see [Policy.most].
func policyDuration(s string) (Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := duration.Parse(s)
	if err != nil || d.Negative {
		return 0, unreadable("the bound "+clip(s)+" of a policy rule", err)
	}
	days := d.Years*365 + d.Months*28 + d.Weeks*7 + d.Days
	seconds := d.Seconds + 60*(d.Minutes+60*(d.Hours+24*days))
	seconds = min(seconds, time.Duration(MaxDuration).Seconds())
	return Duration(time.Duration(seconds) * time.Second), nil
}

// unreadable is the error of an answer that does not say what it should.
func unreadable(what string, err error) error {
	return &Error{Code: CodeInternal, Detail: what + " cannot be read", Err: err}
}
