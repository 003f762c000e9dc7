#!/bin/sh
# Gives the app's identity its Microsoft Graph application permissions: the same as
# infra/access/graph.bicep, for tenants where Bicep may not. It may be run again: what is granted
# already is left alone. It takes nothing back; docs/deployment.md says how. The one who runs it
# needs Privileged Role Administrator (az login).
set -eu

usage() {
	cat >&2 <<'TXT'
usage: grant-graph-permissions.sh [--dry-run] [--directory] [--groups] [--audit] [--no-lookups] OBJECT_ID

  OBJECT_ID      object id of the identity (azd env get-value IDENTITY_PRINCIPAL_ID)
  --directory    serve Entra roles
  --groups       serve PIM for groups
  --audit        show the directory's own audit events
  --no-lookups   do without names, group members, and the state of accounts
  --dry-run      say what would be granted, grant nothing
TXT
	exit 2
}

dry=no directory=no groups=no audit=no lookups=yes principal=
for arg in "$@"; do
	case $arg in
	--dry-run) dry=yes ;;
	--directory) directory=yes ;;
	--groups) groups=yes ;;
	--audit) audit=yes ;;
	--no-lookups) lookups=no ;;
	-*) usage ;;
	*) [ -z "$principal" ] || usage; principal=$arg ;;
	esac
done
# The id becomes part of an address, so it must be nothing but a GUID.
[ ${#principal} -eq 36 ] || usage
printf '%s\n' "$principal" | grep -Eqix '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' || usage

permissions=
want() { permissions="$permissions $*"; }
[ $directory = no ] || want RoleEligibilitySchedule.ReadWrite.Directory RoleAssignmentSchedule.ReadWrite.Directory \
	RoleManagementPolicy.Read.Directory RoleManagement.Read.Directory
[ $groups = no ] || want PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup \
	RoleManagementPolicy.Read.AzureADGroup
[ $lookups = no ] && [ $audit = no ] || want Directory.Read.All
[ $audit = no ] || want AuditLog.Read.All

graph=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)
graph=${graph%/}/v1.0
resource=$(az rest --method GET --url "$graph/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')?\$select=id" --query id --output tsv)
roles=$(az rest --method GET --url "$graph/servicePrincipals/$resource?\$select=appRoles" --query 'appRoles[].[value,id]' --output tsv)
granted=$(az rest --method GET --url "$graph/servicePrincipals/$principal/appRoleAssignments?\$top=999" --query 'value[].appRoleId' --output tsv)

for permission in $permissions; do
	role=$(printf '%s\n' "$roles" | awk -v p="$permission" '$1 == p { print $2; exit }')
	if [ -z "$role" ]; then
		echo "Microsoft Graph of this cloud has no permission $permission" >&2
		exit 1
	fi
	if printf '%s\n' "$granted" | grep -qixF "$role"; then
		echo "has      $permission"
	elif [ $dry = yes ]; then
		echo "missing  $permission"
	else
		az rest --method POST --url "$graph/servicePrincipals/$principal/appRoleAssignments" --output none \
			--headers Content-Type=application/json \
			--body "{\"principalId\":\"$principal\",\"resourceId\":\"$resource\",\"appRoleId\":\"$role\"}"
		echo "granted  $permission"
	fi
done
[ $dry = yes ] || echo "A token that was issued before lacks them for up to a day; restarting the app fetches a new one where the platform's cache allows." >&2
