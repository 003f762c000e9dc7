package infra_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRolesThatEscalateAreRefusedByDefault(t *testing.T) {
	for _, path := range []string{"access/subscription.bicep", "access/managementgroup.bicep"} {
		text := read(t, path)
		privileged := text[strings.Index(text, "var privileged = ["):]
		for _, role := range []string{
			"8e3af657-a8ff-443c-a75c-2fe8c4bcb635", // Owner
			"18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", // User Access Administrator
			"rbacAdministrator",
		} {
			require.Contains(t, privileged[:strings.Index(privileged, "]")], role, path)
		}
		require.Contains(t, text, "param allowPrivilegedRoles bool = false", path)
		require.Contains(t, text, "param constrainDelegation bool = true", path)
		// Only what went through the check may reach the condition.
		require.Contains(t, text, "join(checked, ', ')", path)
	}
}

func TestSubscriptionAndManagementGroupAreGivenTheSame(t *testing.T) {
	body := func(path string) string {
		text := read(t, path)
		return text[strings.Index(text, "@description"):]
	}
	there := strings.NewReplacer("subscription().id", "managementGroup().id", "subscriptionResourceId(", "tenantResourceId(")
	require.Equal(t, body("access/managementgroup.bicep"), there.Replace(body("access/subscription.bicep")))
}

// What lies in a subscription, and not in the group of one environment, has a name that
// a second environment does not have.
func TestTwoEnvironmentsShareASubscription(t *testing.T) {
	for _, path := range []string{"access/subscription.bicep", "access/watch.bicep"} {
		require.NotRegexp(t, `(?m)^  name: '[^$]*'$`, read(t, path), path)
	}
	require.Contains(t, read(t, "access/watch.bicep"), "uniqueString(toLower(workspaceId))")
	require.Contains(t, read(t, "main.bicep"), "name: 'rg-${environmentName}'")
	require.Contains(t, read(t, "../docs/deployment.md"), "az monitor diagnostic-settings subscription delete --name azure-pim-")
}

func TestConditionHoldsBothGivingAndTaking(t *testing.T) {
	condition := read(t, "access/delegation.condition.txt")
	for _, action := range []string{"write", "delete"} {
		require.Contains(t, condition, "(!(ActionMatches{'Microsoft.Authorization/roleAssignments/"+action+"'}))")
	}
	for _, attribute := range []string{
		"@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {<roles>}",
		"@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {<roles>}",
		"@Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {<types>}",
		"@Resource[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {<types>}",
	} {
		require.Contains(t, condition, attribute)
	}
	require.Equal(t, strings.Count(condition, "("), strings.Count(condition, ")"))
}

// A deployment never deletes a role assignment, which those who empty a list must know.
func TestRightsThatStayAreSaidToStay(t *testing.T) {
	main, manual := read(t, "main.bicep"), section(t, "Taking rights back")
	for _, name := range []string{"managedRoleIds", "requestSenders", "outcomeReceivers", "rulesEditors", "auditReaders"} {
		require.Regexp(t, `(?m)^@description\('.* keeps .* until .* deleted\.'\)\nparam `+name+` `, main)
		require.Contains(t, manual, "| `"+name+"` |")
	}
	for _, path := range []string{"access/subscription.bicep", "access/managementgroup.bicep"} {
		require.Regexp(t, `(?m)^@description\('.* keeps .* until .* deleted\.'\)\nparam roleIds `, read(t, path))
	}
}

// The permissions of Microsoft Graph, as infra/access/graph.bicep gives them.
var graphPermissions = map[string][]string{
	"--directory": {
		"RoleEligibilitySchedule.ReadWrite.Directory", "RoleAssignmentSchedule.ReadWrite.Directory",
		"RoleManagementPolicy.Read.Directory", "RoleManagement.Read.Directory",
	},
	"--groups": {
		"PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup", "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
		"RoleManagementPolicy.Read.AzureADGroup",
	},
	"--lookups": {"Directory.Read.All"},
	"--audit":   {"AuditLog.Read.All", "Directory.Read.All"},
}

func TestGraphPermissionsAreTheSameInBicepAndInTheManual(t *testing.T) {
	bicep, manual := read(t, "access/graph.bicep"), read(t, "../docs/permissions.md")
	for flag, param := range map[string]string{"--directory": "directoryPlane", "--groups": "groupPlane", "--lookups": "lookups", "--audit": "audit"} {
		list := bicep[strings.Index(bicep, param+" ? ["):]
		require.Equal(t, graphPermissions[flag], all(`'([\w.]+)'`, list[:strings.Index(list, "]")]), param)
		for _, permission := range graphPermissions[flag] {
			require.Contains(t, manual, "`"+permission+"`")
		}
	}
}

// grant runs scripts/grant-graph-permissions.sh with testdata/az in front of the
// path; state is where that az keeps what was granted.
func grant(t *testing.T, state string, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell: ", err)
	}
	bin, err := filepath.Abs("testdata")
	require.NoError(t, err)
	cmd := exec.Command("sh", append([]string{"../scripts/grant-graph-permissions.sh"}, args...)...)
	cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "AZ_STATE="+state)
	out, err := cmd.Output()
	return string(out), err
}

const identity = "11111111-2222-3333-4444-555555555555"

func TestScriptGrantsWhatBicepGrants(t *testing.T) {
	state := filepath.Join(t.TempDir(), "granted")
	out, err := grant(t, state, "--directory", "--groups", "--audit", identity)
	require.NoError(t, err)
	want := slices.Concat(graphPermissions["--directory"], graphPermissions["--groups"], graphPermissions["--audit"])
	require.ElementsMatch(t, want, all(`(?m)^granted  (\S+)$`, out), "lookups and audit share a permission, which is granted once")
	require.Len(t, strings.Fields(read(t, state)), len(want))
}

func TestScriptMayRunAgain(t *testing.T) {
	state := filepath.Join(t.TempDir(), "granted")
	_, err := grant(t, state, identity)
	require.NoError(t, err)
	before := read(t, state)

	out, err := grant(t, state, "--groups", identity)
	require.NoError(t, err)
	require.Equal(t, graphPermissions["--lookups"], all(`(?m)^has      (\S+)$`, out))
	require.Equal(t, graphPermissions["--groups"], all(`(?m)^granted  (\S+)$`, out))
	require.True(t, strings.HasPrefix(read(t, state), before))
}

func TestScriptOnlyTalksInADryRun(t *testing.T) {
	state := filepath.Join(t.TempDir(), "granted")
	out, err := grant(t, state, "--dry-run", "--directory", "--no-lookups", identity)
	require.NoError(t, err)
	require.Equal(t, graphPermissions["--directory"], all(`(?m)^missing  (\S+)$`, out))
	require.NoFileExists(t, state)
}

func TestScriptRefusesWhatIsNoObjectID(t *testing.T) {
	for _, args := range [][]string{
		{}, {"func-pim"}, {identity + "/owners"}, {identity, identity}, {"--everything", identity}, {identity + "\n" + identity},
	} {
		state := filepath.Join(t.TempDir(), "granted")
		out, err := grant(t, state, args...)
		var refused *exec.ExitError
		require.ErrorAs(t, err, &refused, "%q", args)
		require.Equal(t, 2, refused.ExitCode(), "%q", args)
		require.Empty(t, out)
		require.NoFileExists(t, state)
	}
}
