package simtenant

import "time"

// None switches a delay of [Options] off; zero means the service's own.
const None time.Duration = -1

// DefaultTenantID is the directory id of a tenant whose Options name none.
const DefaultTenantID = "7f3f7c52-9a1d-4c7e-8b1f-2f6d0c9e4a11"

// Options say how a tenant differs from the service. The zero value is the
// service as it was observed.
type Options struct {
	// TenantID is the directory id; empty means DefaultTenantID.
	TenantID string

	// Now is the clock before Advance; nil means time.Now.
	Now func() time.Time

	// BaseURL is where the tenant is served, such as http://127.0.0.1:7080. It
	// appears in the issuer and in next links. Empty means each service's
	// public name.
	BaseURL string

	// Seed feeds ids and random faults.
	Seed uint64

	// AzureDelay, DirectoryDelay and GroupDelay are how long an assignment
	// stays out of lists after it was provisioned, and in them after it was
	// revoked. Zero means 60 s, 12 s and 34 s (observed on one live tenant).
	AzureDelay, DirectoryDelay, GroupDelay time.Duration

	// Reactivation is how long after a deactivation ARM still answers
	// RoleAssignmentExists; zero means 4 minutes (observed). Graph forgets at once.
	Reactivation time.Duration

	// AuditDelay is how late an event shows in the directory audit log; zero
	// means 5 minutes.
	AuditDelay time.Duration

	// Provisioning is how long a granted request says PendingProvisioning; zero
	// means that the answer to it already says Provisioned, as ARM's does.
	Provisioning time.Duration

	// ApprovalDelay is how long a request that needs approval says
	// PendingApprovalProvisioning and has no approvalId; zero means not at all.
	ApprovalDelay time.Duration

	// Messages chooses the wording of policy failures; the zero value takes
	// turns, because both wordings are in service.
	Messages Messages

	// RequestExistsStatus is the HTTP status of RoleAssignmentRequestExists:
	// 409 if zero; 400 has been seen too.
	RequestExistsStatus int

	// PageSize is how many items a list answer holds; zero means 5, so that
	// nobody forgets nextLink. Every list longer than a page has an empty page
	// after its first.
	PageSize int

	// Throttle applies the published token buckets. The ratelimit headers are
	// there in any case.
	Throttle bool

	// MandatoryMFA refuses what users write on ARM without a second factor.
	MandatoryMFA bool

	// FutureValues puts enum members and policy rules into answers that no
	// published version knows.
	FutureValues bool

	// IdentityHeader is the secret that the App Service identity endpoint wants
	// in X-IDENTITY-HEADER; empty means DefaultIdentityHeader.
	IdentityHeader string
}

// DefaultIdentityHeader is the X-IDENTITY-HEADER of a tenant whose Options name none.
const DefaultIdentityHeader = "simulated-identity-header"

// Messages is a wording of RoleAssignmentRequestPolicyValidationFailed.
type Messages int

// The wordings: taking turns, always the JSON list of rule names, always the
// rule with its reason.
const (
	MessagesAlternate Messages = iota
	MessagesList
	MessagesReason
)

func delay(set, usual time.Duration) time.Duration {
	switch {
	case set < 0:
		return 0
	case set == 0:
		return usual
	}
	return set
}

// visibility is how long lists lag behind the truth on a plane.
func (t *Tenant) visibility(p Plane) time.Duration {
	switch p {
	case PlaneDirectory:
		return delay(t.opt.DirectoryDelay, 12*time.Second)
	case PlaneGroup:
		return delay(t.opt.GroupDelay, 34*time.Second)
	}
	return delay(t.opt.AzureDelay, time.Minute)
}

// reactivation is how long an ended activation bars the next.
func (t *Tenant) reactivation(p Plane) time.Duration {
	if p == PlaneAzure {
		return delay(t.opt.Reactivation, 4*time.Minute)
	}
	return 0
}
