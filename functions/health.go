package functions

import (
	"encoding/json"
	"net/http"

	"github.com/azurepim/azure-pim/pim"
)

// health says whether changes can be taken: the rules can be read and the journal be
// reached. It asks the tenant nothing, and names no secret.
func (a *App) health(w http.ResponseWriter, r *http.Request) {
	out := struct {
		Status  string            `json:"status"`
		Version string            `json:"version,omitempty"`
		Rules   string            `json:"rulesHash,omitempty"`
		Stopped bool              `json:"stopped,omitempty"`
		Faults  map[string]string `json:"faults,omitempty"`
	}{Status: "ok", Version: a.Version, Stopped: a.Engine.Guard.Stopped, Faults: map[string]string{}}
	code := http.StatusOK
	fault := func(what string, err error) {
		a.Log.ErrorContext(r.Context(), "not healthy", "part", what, "error", err)
		out.Status, code = "failing", http.StatusServiceUnavailable
		out.Faults[what] = string(pim.CodeOf(err))
	}
	if rules, err := a.Engine.Rules(r.Context()); err != nil {
		fault("rules", err)
	} else {
		out.Rules = rules.Hash()
	}
	if _, err := a.Engine.Ledger.Load(r.Context(), "health"); pim.CodeOf(err) != pim.CodeNotFound && err != nil {
		fault("ledger", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(out)
}
