package functions

import (
	_ "embed"
	"net/http"
)

// openAPI describes the HTTP functions. A test walks every route of the table and
// every definition of the document, and holds the two to each other.
//
//go:embed openapi.json
var openAPI []byte

func openapi(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
}
