package simtenant_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

// BenchmarkGrantAmongMany is what the calls of one grant cost a tenant in which so
// many schedules stand: it must not grow with them.
func BenchmarkGrantAmongMany(b *testing.B) {
	for _, standing := range []int{100, 20_000} {
		b.Run(fmt.Sprint(standing), func(b *testing.B) {
			m := newMany(b, standing)
			for b.Loop() {
				m.grant()
			}
		})
	}
}

// many is a tenant of many people, each of whom is eligible for a role.
type many struct {
	*simtenant.Tenant
	b          *testing.B
	arm, graph string // tokens of the app that grants
	people     []string
	next       int
}

func newMany(b *testing.B, standing int) *many {
	m := &many{Tenant: simtenant.New(simtenant.Options{}), b: b}
	m.AddSubscription(subscriptionID, "Payments", "")
	app := m.AddServicePrincipal(simtenant.ServicePrincipal{Name: "pim app", AppRoles: []string{"Directory.Read.All"}})
	m.Assign(simtenant.Grant{Scope: "/", Role: "Owner", Principal: app})
	for i := range standing {
		who := m.AddUser(simtenant.User{Name: fmt.Sprint("user ", i)})
		m.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: who, For: 364 * 24 * time.Hour})
		m.people = append(m.people, who)
	}
	m.arm = m.UserToken(app, simtenant.AudienceARM, simtenant.WithLife(24*time.Hour))
	m.graph = m.UserToken(app, simtenant.AudienceGraph, simtenant.WithLife(24*time.Hour))
	return m
}

// grant makes the calls of one grant to the next in turn, and lets it end.
func (m *many) grant() {
	who := m.people[m.next%len(m.people)]
	m.next++
	graph, pim := "https://graph.microsoft.com/v1.0", "https://management.azure.com"+subscription+rbac
	version, his := "?api-version=2020-10-01", "&$filter="+url.QueryEscape("principalId eq '"+who+"' and atScope()")
	request := pim + assign + "/" + uuid.NewString() + version

	m.send(m.graph, "GET", graph+"/users/"+who, nil, http.StatusOK)
	m.send(m.graph, "POST", graph+"/users/"+who+"/checkMemberGroups", map[string]any{"groupIds": []string{uuid.NewString()}}, http.StatusOK)
	m.send(m.arm, "GET", pim+"roleEligibilityScheduleInstances"+version+his, nil, http.StatusOK)
	m.send(m.arm, "GET", pim+"roleAssignmentScheduleInstances"+version+his, nil, http.StatusOK)
	m.send(m.arm, "PUT", request, newProps("AdminAssign", who, subscription).lasting("PT5M").body(), http.StatusCreated)
	m.send(m.arm, "GET", request, nil, http.StatusOK)
	m.Advance(2 * time.Minute)
	m.send(m.arm, "GET", pim+"roleAssignmentScheduleInstances"+version+his, nil, http.StatusOK)
	m.Advance(4 * time.Minute)
}

func (m *many) send(token, method, address string, body any, want int) {
	content, err := json.Marshal(body)
	require.NoError(m.b, err)
	r, err := http.NewRequestWithContext(m.b.Context(), method, address, bytes.NewReader(content))
	require.NoError(m.b, err)
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := m.Client().Do(r)
	require.NoError(m.b, err)
	resp.Body.Close()
	require.Equal(m.b, want, resp.StatusCode, address)
}
