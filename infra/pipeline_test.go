package infra_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestAzdPackagesWhatMakeStages(t *testing.T) {
	var project struct {
		Services map[string]struct {
			Project, Host, Language, Dist string
			Hooks                         map[string]map[string]struct{ Shell, Run string }
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "../azure.yaml")), &project))
	require.Len(t, project.Services, 1)
	pim := project.Services["pim"]
	require.Equal(t, "custom", pim.Language)
	require.Equal(t, "function", pim.Host)
	require.Equal(t, ".", pim.Project)
	// azd zips a folder itself, and then the handler of somebody on Windows cannot be started.
	require.Equal(t, "dist/app.zip", pim.Dist)
	require.Contains(t, read(t, "../Makefile"), "go run ./scripts/zip $(APP) "+pim.Dist)
	for _, system := range []string{"posix", "windows"} {
		require.Equal(t, "make package", pim.Hooks["prebuild"][system].Run)
	}
	// azd finds the app by its tag.
	require.Contains(t, read(t, "app/function.bicep"), "'azd-service-name': 'pim'")
	require.Contains(t, read(t, "main.bicep"), "'azd-env-name': environmentName")
}

// What a run does not pass takes its default: the rules that allow nothing, the
// emergency stop that ends.
func TestPipelinePassesEveryParameter(t *testing.T) {
	var workflow struct {
		Jobs map[string]struct{ Env map[string]string }
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "../.github/workflows/deploy.yml")), &workflow))
	variables := all(`\$\{([A-Z_]+)`, read(t, "main.parameters.json"))
	require.Contains(t, variables, "DISABLED")
	for _, name := range variables {
		want := "${{ vars." + name + " }}"
		if name == "AZURE_ENV_NAME" {
			want = "${{ inputs.environment }}"
		} else {
			require.Contains(t, section(t, "From a pipeline"), "`"+name+"`")
		}
		require.Equal(t, want, workflow.Jobs["deploy"].Env[name], name)
	}
}

func TestPipelinesHoldNoSecrets(t *testing.T) {
	paths, err := filepath.Glob("../.github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		text := read(t, path)
		require.NotContains(t, text, "secrets.", path)
		for _, action := range all(`uses: (\S+)`, text) {
			require.Regexp(t, `^[\w-]+/[\w-]+@v\d+$`, action, path)
		}
		var workflow struct {
			Permissions map[string]string
			Jobs        map[string]struct {
				Permissions map[string]string
				Steps       []struct{ Uses, Run string }
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(text), &workflow), path)
		require.Equal(t, map[string]string{"contents": "read"}, workflow.Permissions, path)
		for name, job := range workflow.Jobs {
			require.NotEmpty(t, job.Steps, name)
			if job.Permissions["id-token"] != "write" {
				continue
			}
			for _, step := range job.Steps {
				require.NotRegexp(t, `\b(make|go|npm|sh) `, step.Run, "%s: a job that can sign in runs code of the project", name)
			}
		}
	}
}
