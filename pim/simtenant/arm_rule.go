package simtenant

import (
	"slices"
	"time"
)

const armRulePrefix = "RoleManagementPolicy"

// armRule is a rule in the body of a PATCH. Which members count depends on the
// type; those left out are empty afterwards, since a rule is replaced whole.
type armRule struct {
	ID                         string       `json:"id"`
	RuleType                   string       `json:"ruleType"`
	Target                     *armTarget   `json:"target"`
	IsExpirationRequired       bool         `json:"isExpirationRequired"`
	MaximumDuration            string       `json:"maximumDuration"`
	EnabledRules               []string     `json:"enabledRules"`
	NotificationLevel          string       `json:"notificationLevel"`
	NotificationRecipients     []string     `json:"notificationRecipients"`
	IsDefaultRecipientsEnabled bool         `json:"isDefaultRecipientsEnabled"`
	IsEnabled                  bool         `json:"isEnabled"`
	ClaimValue                 string       `json:"claimValue"`
	Setting                    *armApproval `json:"setting"`
}

// armTarget says whose requests a rule binds, and for what.
type armTarget struct {
	Caller string `json:"caller"`
	Level  string `json:"level"`
}

// aims refuses a rule without its target: what is left out is not taken from the rule
// that was there.
func (r armRule) aims() *refusal {
	row, _ := ruleByID(r.ID)
	if r.Target == nil || !sameID(r.Target.Caller, row.caller) || !sameID(r.Target.Level, row.level) {
		return invalidPolicy("The target of the rule '" + r.ID + "' is missing or not its own.")
	}
	return nil
}

// applyRule puts a rule of a PATCH into a policy.
func (t *Tenant) applyRule(p *Policy, r armRule) *refusal {
	row, ok := ruleByID(r.ID)
	if !ok {
		return invalidPolicy("The policy has no rule '" + r.ID + "'.")
	}
	if r.RuleType != armRulePrefix+row.kind {
		return invalidPolicy("The rule '" + r.ID + "' is of type '" + armRulePrefix + row.kind + "', not '" + r.RuleType + "'.")
	}
	switch row.kind {
	case ruleKindExpiration:
		longest, ok := parseDuration(r.MaximumDuration)
		if !ok || row.caller == "EndUser" && (longest < 30*time.Minute || longest > 24*time.Hour) {
			return invalidPolicy("The maximumDuration '" + r.MaximumDuration + "' is not valid.")
		}
		*p.expirationOf(r.ID) = Expiration{r.IsExpirationRequired, r.MaximumDuration}
	case ruleKindEnablement:
		for _, name := range r.EnabledRules {
			if !slices.Contains([]string{RequireMFA, RequireJustification, RequireTicket}, name) {
				return invalidPolicy("There is no enablement rule '" + name + "'.")
			}
		}
		*p.requiresOf(r.ID) = r.EnabledRules
	case ruleKindNotification:
		if !slices.Contains([]string{"None", "Critical", "All"}, r.NotificationLevel) || len(r.NotificationRecipients) > 1000 {
			return invalidPolicy("The notification rule '" + r.ID + "' is not valid.")
		}
		p.Notifications[r.ID] = Notification{r.NotificationLevel, r.IsDefaultRecipientsEnabled, r.NotificationRecipients}
	case ruleKindContext:
		p.AuthenticationContext = ""
		if r.IsEnabled {
			p.AuthenticationContext = r.ClaimValue
		}
		if r.IsEnabled && !validContext(r.ClaimValue) {
			return invalidPolicy("The claimValue '" + r.ClaimValue + "' is not valid.")
		}
	case ruleKindApproval:
		return t.applyApproval(p, r.Setting)
	}
	return nil
}

// validContext reports whether s is the id of an authentication context, c1 to c99.
func validContext(s string) bool {
	return len(s) >= 2 && len(s) <= 3 && s[0] == 'c' && s[1] >= '1' && s[1] <= '9' && (len(s) == 2 || s[2] >= '0' && s[2] <= '9')
}
