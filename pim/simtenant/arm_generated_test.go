package simtenant_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	auth "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

// factory is Microsoft's generated client, signed in as a principal.
func (w *world) factory(principal string, claims ...simtenant.Claim) *auth.ClientFactory {
	f, err := auth.NewClientFactory(subscriptionID, w.Credential(principal, claims...), &arm.ClientOptions{
		ClientOptions: policy.ClientOptions{Transport: w.Transport()}, DisableRPRegistration: true,
	})
	require.NoError(w.t, err)
	return f
}

// all reads a pager to its end.
func all[R, T any](t *testing.T, more func() bool, next func() (R, error), value func(R) []*T) []*T {
	t.Helper()
	var out []*T
	for more() {
		page, err := next()
		require.NoError(t, err)
		out = append(out, value(page)...)
	}
	return out
}

// TestGeneratedClientLivesAnEligibilityFromGrantToRemoval is the life cycle as
// Microsoft's own client sees it: an independent reader of every answer.
func TestGeneratedClientLivesAnEligibilityFromGrantToRemoval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx := t.Context()
		admin := w.factory(w.app)
		user := w.factory(w.alice, simtenant.WithMFA())
		role := to.Ptr(subscription + rbac + "roleDefinitions/" + simtenant.RoleContributor)
		start := time.Now()

		made, err := admin.NewRoleEligibilityScheduleRequestsClient().Create(ctx, subscription, uuid.NewString(),
			auth.RoleEligibilityScheduleRequest{Properties: &auth.RoleEligibilityScheduleRequestProperties{
				PrincipalID: &w.alice, RoleDefinitionID: role, RequestType: to.Ptr(auth.RequestTypeAdminAssign),
				Justification: to.Ptr("joins the team"),
				ScheduleInfo: &auth.RoleEligibilityScheduleRequestPropertiesScheduleInfo{StartDateTime: &start,
					Expiration: &auth.RoleEligibilityScheduleRequestPropertiesScheduleInfoExpiration{
						Type: to.Ptr(auth.TypeAfterDuration), Duration: to.Ptr("P90D")}},
			}}, nil)
		require.NoError(t, err)
		require.Equal(t, auth.StatusProvisioned, *made.Properties.Status)
		time.Sleep(time.Minute)

		instances := admin.NewRoleEligibilityScheduleInstancesClient().NewListForScopePager(subscription,
			&auth.RoleEligibilityScheduleInstancesClientListForScopeOptions{Filter: to.Ptr("principalId eq '" + w.alice + "'")})
		eligibilities := all(t, instances.More, func() (auth.RoleEligibilityScheduleInstancesClientListForScopeResponse, error) {
			return instances.NextPage(ctx)
		}, func(r auth.RoleEligibilityScheduleInstancesClientListForScopeResponse) []*auth.RoleEligibilityScheduleInstance {
			return r.Value
		})
		require.Len(t, eligibilities, 1)
		require.WithinDuration(t, start.Add(90*24*time.Hour), *eligibilities[0].Properties.EndDateTime, time.Second)

		requests := user.NewRoleAssignmentScheduleRequestsClient()
		activation := auth.RoleAssignmentScheduleRequest{Properties: &auth.RoleAssignmentScheduleRequestProperties{
			PrincipalID: &w.alice, RoleDefinitionID: role, RequestType: to.Ptr(auth.RequestTypeSelfActivate),
			Justification:                   to.Ptr("incident 7"),
			LinkedRoleEligibilityScheduleID: eligibilities[0].Properties.RoleEligibilityScheduleID,
			ScheduleInfo: &auth.RoleAssignmentScheduleRequestPropertiesScheduleInfo{
				Expiration: &auth.RoleAssignmentScheduleRequestPropertiesScheduleInfoExpiration{
					Type: to.Ptr(auth.TypeAfterDuration), Duration: to.Ptr("PT2H")}},
		}}
		name := uuid.NewString()
		checked, err := requests.Validate(ctx, subscription, name, activation, nil)
		require.NoError(t, err)
		require.Equal(t, auth.StatusGranted, *checked.Properties.Status)
		activated, err := requests.Create(ctx, subscription, name, activation, nil)
		require.NoError(t, err)
		require.Equal(t, auth.StatusProvisioned, *activated.Properties.Status)
		got, err := requests.Get(ctx, subscription, name, nil)
		require.NoError(t, err)
		require.Equal(t, "incident 7", *got.Properties.Justification)
		require.Equal(t, auth.PrincipalTypeUser, *got.Properties.PrincipalType)

		time.Sleep(5 * time.Minute)
		pager := user.NewRoleAssignmentScheduleInstancesClient().NewListForScopePager(subscription,
			&auth.RoleAssignmentScheduleInstancesClientListForScopeOptions{Filter: to.Ptr("asTarget()")})
		active := all(t, pager.More, func() (auth.RoleAssignmentScheduleInstancesClientListForScopeResponse, error) {
			return pager.NextPage(ctx)
		}, func(r auth.RoleAssignmentScheduleInstancesClientListForScopeResponse) []*auth.RoleAssignmentScheduleInstance {
			return r.Value
		})
		require.Len(t, active, 1)
		require.Equal(t, auth.AssignmentTypeActivated, *active[0].Properties.AssignmentType)
		require.Equal(t, auth.StatusAccepted, *active[0].Properties.Status)

		activation.Properties = &auth.RoleAssignmentScheduleRequestProperties{
			PrincipalID: &w.alice, RoleDefinitionID: role, RequestType: to.Ptr(auth.RequestTypeSelfDeactivate)}
		ended, err := requests.Create(ctx, subscription, uuid.NewString(), activation, nil)
		require.NoError(t, err)
		require.Equal(t, auth.StatusRevoked, *ended.Properties.Status)

		removed, err := admin.NewRoleEligibilityScheduleRequestsClient().Create(ctx, subscription, uuid.NewString(),
			auth.RoleEligibilityScheduleRequest{Properties: &auth.RoleEligibilityScheduleRequestProperties{
				PrincipalID: &w.alice, RoleDefinitionID: role, RequestType: to.Ptr(auth.RequestTypeAdminRemove)}}, nil)
		require.NoError(t, err)
		require.Equal(t, auth.StatusRevoked, *removed.Properties.Status)
		require.Empty(t, w.Eligibilities())
	})
}

func TestGeneratedClientReadsAndPatchesAPolicy(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	admin := w.factory(w.app)
	assignments := admin.NewRoleManagementPolicyAssignmentsClient().NewListForScopePager(subscription, nil)
	listed := all(t, assignments.More, func() (auth.RoleManagementPolicyAssignmentsClientListForScopeResponse, error) {
		return assignments.NextPage(ctx)
	}, func(r auth.RoleManagementPolicyAssignmentsClientListForScopeResponse) []*auth.RoleManagementPolicyAssignment {
		return r.Value
	})
	var policyName string
	for _, a := range listed {
		if *a.Properties.PolicyAssignmentProperties.RoleDefinition.DisplayName == "Contributor" {
			policyName = (*a.Name)[:36]
			require.Len(t, a.Properties.EffectiveRules, 17)
		}
	}
	require.NotEmpty(t, policyName)

	policies := admin.NewRoleManagementPoliciesClient()
	rule := &auth.RoleManagementPolicyExpirationRule{
		ID: to.Ptr("Expiration_EndUser_Assignment"), RuleType: to.Ptr(auth.RoleManagementPolicyRuleTypeRoleManagementPolicyExpirationRule),
		IsExpirationRequired: to.Ptr(true), MaximumDuration: to.Ptr("PT2H"),
		Target: &auth.RoleManagementPolicyRuleTarget{Caller: to.Ptr("EndUser"), Operations: []*string{to.Ptr("All")}, Level: to.Ptr("Assignment")},
	}
	patched, err := policies.Update(ctx, subscription, policyName, auth.RoleManagementPolicy{
		Properties: &auth.RoleManagementPolicyProperties{Rules: []auth.RoleManagementPolicyRuleClassification{rule}}}, nil)
	require.NoError(t, err)
	require.Len(t, patched.Properties.Rules, 17)

	_, err = policies.Get(ctx, subscription, policyName, nil)
	require.ErrorContains(t, err, "404", "a policy has another id once it was changed")
	got, err := policies.Get(ctx, subscription, *patched.Name, nil)
	require.NoError(t, err)
	for _, r := range got.Properties.EffectiveRules {
		if e, ok := r.(*auth.RoleManagementPolicyExpirationRule); ok && *e.ID == *rule.ID {
			require.Equal(t, "PT2H", *e.MaximumDuration)
		}
	}
}

func TestGeneratedClientReadsRolesAndPlainAssignments(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	admin := w.factory(w.app)
	roles := admin.NewRoleDefinitionsClient().NewListPager(subscription, &auth.RoleDefinitionsClientListOptions{
		Filter: to.Ptr("roleName eq 'Virtual Machine Contributor'")})
	found := all(t, roles.More, func() (auth.RoleDefinitionsClientListResponse, error) { return roles.NextPage(ctx) },
		func(r auth.RoleDefinitionsClientListResponse) []*auth.RoleDefinition { return r.Value })
	require.Len(t, found, 1)

	name := uuid.NewString()
	made, err := admin.NewRoleAssignmentsClient().Create(ctx, subscription, name, auth.RoleAssignmentCreateParameters{
		Properties: &auth.RoleAssignmentProperties{PrincipalID: &w.bob, RoleDefinitionID: found[0].ID}}, nil)
	require.NoError(t, err)
	require.Equal(t, name, *made.Name)
	_, err = admin.NewRoleAssignmentsClient().Delete(ctx, subscription, name, nil)
	require.NoError(t, err)

	children := w.factory(w.alice)
	w.MakeEligible(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.alice})
	pager := children.NewEligibleChildResourcesClient().NewGetPager(subscription, nil)
	reach := all(t, pager.More, func() (auth.EligibleChildResourcesClientGetResponse, error) { return pager.NextPage(ctx) },
		func(r auth.EligibleChildResourcesClientGetResponse) []*auth.EligibleChildResource { return r.Value })
	require.Len(t, reach, 1)
	require.Equal(t, "resourcegroup", *reach[0].Type)
	require.NotZero(t, w.Count(http.MethodGet, "eligibleChildResources"))
}

func TestGeneratedClientMeetsAChallengeWithTheClaimsAskedFor(t *testing.T) {
	w := newWorld(t)
	id := w.AddUser(simtenant.User{Name: "Dora", Contexts: []string{"c1"}})
	w.Assign(simtenant.Grant{Scope: subscription, Role: "Reader", Principal: id})
	w.Inject(simtenant.Fault{Status: http.StatusUnauthorized, Code: "InvalidAuthenticationToken",
		Claims: `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`})
	roles := w.factory(id).NewRoleDefinitionsClient()
	_, err := roles.Get(t.Context(), subscription, simtenant.RoleReader, nil)
	require.NoError(t, err)
	require.Len(t, w.Calls(), 2, "the first was challenged, the second came with the claims")

	w.Inject(simtenant.Fault{Status: http.StatusUnauthorized, Claims: `{"access_token":{"acrs":{"essential":true,"value":"c2"}}}`})
	_, err = roles.Get(t.Context(), subscription, simtenant.RoleReader, nil)
	require.ErrorContains(t, err, "AADSTS50158", "nobody proves what he cannot")
}
