package pim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// verdict is what one of the services' error codes means for us.
type verdict struct {
	code   Code
	retry  Retry
	wait   time.Duration
	remedy string
}

// catalogue is the one place where a code of ARM or Graph becomes one of ours.
// Nearly everything that PIM refuses is HTTP 400: the code decides. A code that is
// not here is a permanent refusal, reported whole in the log.
var catalogue = map[string]verdict{
	"RoleAssignmentExists":        {CodeConflict, RetryNever, 0, "the role is active or eligible already, or was until four minutes ago"},
	"RoleAssignmentRequestExists": {CodeConflict, RetryNever, 0, "the request was made already"},
	"RoleAssignmentDoesNotExist":  {CodeNotFound, RetryLater, 30 * time.Second, "nothing to remove, or not visible yet, or the other one of member and owner"},
	"PendingRoleAssignmentRequest": {CodeConflict, RetryLater, time.Minute,
		"another request for the same role is pending: wait for it, or cancel it"},
	"RoleAssignmentRequestPolicyValidationFailed": {CodeUnmet, RetryNever, 0, "change the request as the failed policy rules say"},
	"RoleAssignmentRequestAcrsValidationFailed":   {CodeStepUp, StepUp, 0, "sign in again with the authentication context that the claims name"},
	// Five minutes from the start; asking each minute finds the moment.
	"ActiveDurationTooShort":               {CodeBusy, RetryLater, time.Minute, "an assignment can be ended five minutes after its start"},
	"SubjectNotFound":                      {CodeNotFound, RetryLater, 10 * time.Second, "the principal does not exist, or is so new that PIM has not seen it"},
	"PrincipalNotFound":                    {CodeNotFound, RetryLater, 10 * time.Second, "the principal does not exist, or is so new that it has not been replicated"},
	"RoleNotFound":                         {CodeNotFound, RetryLater, 10 * time.Second, "the role does not exist, or is so new that PIM has not seen it"},
	"RoleDefinitionDoesNotExist":           {CodeNotFound, RetryNever, 0, "the role does not exist, or cannot be assigned at this scope"},
	"InsufficientPermissions":              {CodeDenied, RetryNever, 0, "give the app's identity Reader and Role Based Access Control Administrator at the scope"},
	"AuthorizationFailed":                  {CodeDenied, RetryNever, 0, "give the app's identity the missing role at the scope; it takes up to ten minutes to count"},
	"PermissionScopeNotGranted":            {CodeDenied, RetryNever, 0, "give the app's identity the Graph permission that the log names"},
	"Authorization_RequestDenied":          {CodeDenied, RetryNever, 0, "give the app's identity the Graph permission for this call"},
	"UnauthorizedAccessException":          {CodeDenied, RetryNever, 0, "give the app's identity the Graph permission for this call"},
	"LinkedAuthorizationFailed":            {CodeDenied, RetryNever, 0, "give the app's identity the missing role at the linked scope"},
	"AadPremiumLicenseRequired":            {CodeRejected, RetryNever, 0, "the tenant needs Entra ID P2 or Entra ID Governance"},
	"InvalidRoleAssignmentRequestSchedule": {CodeInvalid, RetryNever, 0, "the start and end of the request cannot both be so"},
	"InvalidRoleAssignmentRequest":         {CodeInvalid, RetryNever, 0, "the request is malformed"},
	"InvalidFilter":                        {CodeInvalid, RetryNever, 0, "the service does not take this filter"},
	"InvalidResource":                      {CodeInvalid, RetryNever, 0, "PIM cannot manage this scope"},
	"InvalidResourceType":                  {CodeInvalid, RetryNever, 0, "PIM cannot manage this scope"},
	"InvalidPolicy":                        {CodeInvalid, RetryNever, 0, "the policy is malformed; look at its approvers"},
	"ActivationCustomApproversNotEmpty":    {CodeInvalid, RetryNever, 0, "change the approvers and their notification rule in one request"},
	"ScopeDoesNotMatchRoleDefinition":      {CodeInvalid, RetryNever, 0, "the role is not defined at this scope"},
	"ResourceIsLocked":                     {CodeRejected, RetryNever, 0, "a management lock on the resource bars the change"},
	"Request_BadRequest":                   {CodeInvalid, RetryNever, 0, "the service does not take this role at this scope"},
	"RequestDisallowedByAzure":             {CodeStepUp, StepUp, 0, "sign in with a second factor"},
	"RoleAssignmentLimitExceeded":          {CodeRejected, RetryNever, 0, "the scope holds as many role assignments as Azure allows"},
	"InvalidAuthenticationToken":           {CodeDenied, RetryLater, 10 * time.Second, "the service does not take the token: look at the tenant and the audience"},
	"ExpiredAuthenticationToken":           {CodeDenied, RetryLater, 10 * time.Second, "the token has expired"},
	"TooManyRequests":                      {CodeBusy, RetryAfter, 0, "the service is throttling"},
	"SubscriptionNotFound":                 {CodeNotFound, RetryNever, 0, "the subscription does not exist in this tenant"},
	"ResourceGroupNotFound":                {CodeNotFound, RetryNever, 0, "the resource group does not exist"},
	"ResourceNotFound":                     {CodeNotFound, RetryNever, 0, "it does not exist"},
	"Request_ResourceNotFound":             {CodeNotFound, RetryNever, 0, "it does not exist in the directory"},
}

// answered is the error that a service's answer stands for.
func answered(resp *http.Response) error {
	body, err := runtime.Payload(resp)
	if err != nil {
		return unreachable(err)
	}
	code, message := errorBody(body)
	if code == "" {
		code = resp.Header.Get("x-ms-error-code")
	}
	e := &Error{PIMCode: code, Err: rawError{resp.StatusCode, code, message, requestID(resp)}}
	v, known := catalogue[code]
	switch {
	case known:
	case resp.StatusCode == http.StatusTooManyRequests:
		v = catalogue["TooManyRequests"]
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusRequestTimeout:
		v = verdict{CodeBusy, RetryLater, 0, "the service has a fault of its own"}
	case resp.StatusCode == http.StatusNotFound:
		v = verdict{CodeNotFound, RetryNever, 0, "it does not exist"}
	case resp.StatusCode == http.StatusConflict:
		v = verdict{CodeConflict, RetryNever, 0, "it clashes with what stands"}
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		v = verdict{CodeDenied, RetryNever, 0, "the service does not let this identity do it"}
	default:
		v = verdict{CodeRejected, RetryNever, 0, "the service refused it; the log holds its words"}
	}
	e.Code, e.Retry, e.RetryAfter, e.Remedy = v.code, v.retry, v.wait, v.remedy
	if d := retryAfter(resp.Header); d > 0 {
		e.RetryAfter = d
	}
	switch code {
	case "RoleAssignmentRequestPolicyValidationFailed":
		e.Rules = failedRules(message)
		e.Unmet, e.Code = unmetRules(e.Rules)
		if e.Code == CodeStepUp {
			e.Retry, e.Claims = StepUp, mfaClaims
		}
	case "RoleAssignmentRequestAcrsValidationFailed":
		e.Claims = claimsIn(message)
		message, _, _ = strings.Cut(message, "claims=") // they are the user's client's to read
		e.Err = rawError{resp.StatusCode, code, message, requestID(resp)}
	}
	return e
}

// rawError keeps the service's own words, for the log alone.
type rawError struct {
	status        int
	code, message string
	request       string
}

func (r rawError) Error() string {
	return strconv.Itoa(r.status) + " " + r.code + " " + strconv.Quote(r.message) + " request " + r.request
}

func requestID(resp *http.Response) string {
	for _, h := range []string{"x-ms-request-id", "request-id"} {
		if v := resp.Header.Get(h); v != "" {
			return v
		}
	}
	return "unknown"
}

// errorBody reads code and message of the shapes that both services use. Under
// UnknownError (or no code) the message may be a JSON document in a string.
func errorBody(body []byte) (code, message string) {
	var doc struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &doc) != nil {
		return "", ""
	}
	code, message = doc.Error.Code, doc.Error.Message
	if (code == "" || code == "UnknownError") && strings.HasPrefix(strings.TrimSpace(message), "{") {
		var inner struct {
			Code    string `json:"errorCode"`
			Message string `json:"message"`
		}
		if json.Unmarshal([]byte(message), &inner) == nil && inner.Code != "" {
			return inner.Code, inner.Message
		}
	}
	return code, message
}

// retryAfter reads how long to wait, in the forms that azcore honours too.
func retryAfter(h http.Header) time.Duration {
	for _, name := range []string{"retry-after-ms", "x-ms-retry-after-ms"} {
		if ms, err := strconv.Atoi(h.Get(name)); err == nil && ms > 0 {
			return time.Duration(ms) * time.Millisecond
		}
	}
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s > 0 {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}

var ruleName = regexp.MustCompile(`[A-Za-z]+Rule\b`)

// failedRules reads the rules' names of both forms in which PIM lists them: a JSON
// array, and "Name - reason".
func failedRules(message string) []string {
	_, list, ok := strings.Cut(message, "failed:")
	if !ok {
		return nil
	}
	return ruleName.FindAllString(list, -1)
}

// unmetRules says in our words what the failed rules ask for.
func unmetRules(rules []string) ([]Reason, Code) {
	words := map[string]Reason{
		"ExpirationRule":            {Code: TooLong, Detail: "longer than the role's policy allows, or without an end"},
		"JustificationRule":         {Code: NeedJustification, Detail: "the role's policy asks for a justification"},
		"TicketingRule":             {Code: NeedTicket, Detail: "the role's policy asks for a ticket number and system"},
		"MfaRule":                   {Code: NeedMFA, Detail: "the role's policy asks for a second factor"},
		"EligibilityRule":           {Code: NotEligible, Detail: "the principal is not eligible for the role at this scope"},
		"AuthenticationContextRule": {Code: NeedAuthContext, Detail: "the role's policy asks for an authentication context"},
		"AcrsRule":                  {Code: NeedAuthContext, Detail: "the role's policy asks for an authentication context"},
	}
	code := CodeUnmet
	var out []Reason
	for _, name := range rules {
		r, ok := words[name]
		if !ok {
			r = Reason{Code: Unproven, Detail: "the role's policy rule " + name + " failed"}
		}
		if r.Code == NeedMFA || r.Code == NeedAuthContext {
			code = CodeStepUp
		}
		out = append(out, r)
	}
	return out, code
}

// mfaClaims asks for a token that proves a second factor.
const mfaClaims = `{"access_token":{"amr":{"values":["mfa"]}}}`

// claimsIn finds the claims challenge in the message of an authentication context
// failure: JSON behind "claims=", sometimes URL-encoded.
func claimsIn(message string) string {
	_, rest, ok := strings.Cut(message, "claims=")
	if !ok {
		return ""
	}
	if plain, err := url.QueryUnescape(rest); err == nil && strings.HasPrefix(strings.ToUpper(strings.TrimSpace(rest)), "%7B") {
		rest = plain
	}
	var claims json.RawMessage
	if err := json.NewDecoder(strings.NewReader(rest)).Decode(&claims); err != nil {
		return ""
	}
	return string(claims)
}
