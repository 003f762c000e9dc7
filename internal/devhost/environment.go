package devhost

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// childEnvironment is the host's own whole environment, the app settings
// included, and what it tells a handler.
func (h *Host) childEnvironment(dir string) []string {
	id := uuid.NewString()
	ours := map[string]string{
		"ASPNETCORE_URLS":                   h.URL(),
		"AzureWebJobsScriptRoot":            h.cfg.Root,
		"FUNCTIONS_APP_ROOT_PATH":           h.cfg.Root,
		"FUNCTIONS_CUSTOMHANDLER_PORT":      strconv.Itoa(h.port.number),
		"FUNCTIONS_CUSTOMHANDLER_WORKER_ID": id,
		"FUNCTIONS_HTTPWORKER_PORT":         strconv.Itoa(h.port.number),
		"FUNCTIONS_HTTPWORKER_ID":           id,
		"PWD":                               dir,
	}
	for name, value := range map[string]string{
		"FUNCTIONS_EXTENSION_VERSION": "~4",
		"FUNCTIONS_WORKER_RUNTIME":    "custom",
	} {
		if _, set := h.settings.lookup(name); !set {
			ours[name] = value
		}
	}
	environ := slices.DeleteFunc(slices.Clone(h.settings.environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		_, over := ours[name]
		return over
	})
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		environ = append(environ, name+"="+ours[name])
	}
	return environ
}
