package simtenant

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Tenant is a simulated tenant. Make one with New; it is safe for concurrent use.
type Tenant struct {
	opt      Options
	surfaces []surface

	mu     sync.Mutex
	offset time.Duration
	random *rand.Rand
	keys   []*key

	principals map[string]*principal
	aliases    map[string][]*principal // by what else names them, in lower case
	memberOf   map[string][]string     // the groups that list a member; nil if to be made anew
	identities []*principal            // those of the identity endpoint
	tree       tree
	roles      map[string]*roleDefinition
	directory  directory

	requests  requestBook
	schedules scheduleBook
	policies  map[policyKey]*Policy
	approvals approvalBook
	events    []Event
	agenda    agenda

	faults   []*Fault
	buckets  map[string]*bucket
	calls    []Call
	observe  []Observer
	refusals int
}

// New makes an empty tenant: a tenant root group and the built-in roles, and
// nobody in it.
func New(opt Options) *Tenant {
	if opt.TenantID == "" {
		opt.TenantID = DefaultTenantID
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.IdentityHeader == "" {
		opt.IdentityHeader = DefaultIdentityHeader
	}
	if opt.RequestExistsStatus == 0 {
		opt.RequestExistsStatus = 409
	}
	if opt.PageSize == 0 {
		opt.PageSize = 5
	}
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], opt.Seed)
	t := &Tenant{
		opt:        opt,
		random:     rand.New(rand.NewChaCha8(seed)),
		keys:       []*key{firstKey()},
		principals: map[string]*principal{},
		aliases:    map[string][]*principal{},
		tree:       newTree(opt.TenantID),
		roles:      builtInRoles(),
		directory:  newDirectory(),
		requests:   newRequestBook(),
		schedules:  newScheduleBook(),
		policies:   map[policyKey]*Policy{},
		approvals:  newApprovalBook(),
		buckets:    map[string]*bucket{},
	}
	t.surfaces = []surface{
		{claimsSignIn, (*Tenant).serveSignIn},
		{claimsIdentity, (*Tenant).serveIdentity},
		{claimsARM, (*Tenant).serveARM},
		{claimsGraph, (*Tenant).serveGraph},
	}
	return t
}

// ID is the directory id of the tenant.
func (t *Tenant) ID() string { return t.opt.TenantID }

// newID is a GUID that depends on Options.Seed and the calls before it alone.
func (t *Tenant) newID() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], t.random.Uint64())
	binary.LittleEndian.PutUint64(b[8:], t.random.Uint64())
	b[6] = b[6]&0x0f | 0x40 // version 4
	b[8] = b[8]&0x3f | 0x80 // RFC 9562
	return uuid.UUID(b).String()
}

// namedID is the GUID of a seeded thing: the same in every tenant of one
// directory id, so that tests and documentation can print it.
func (t *Tenant) namedID(kind, name string) string {
	space := uuid.MustParse(t.opt.TenantID)
	id := uuid.NewSHA1(space, []byte(kind+"/"+name)).String()
	for n := 2; t.principals[id] != nil; n++ {
		id = uuid.NewSHA1(space, []byte(kind+"/"+name+"/"+strconv.Itoa(n))).String()
	}
	return id
}
