package functions

import (
	"net/http"

	"github.com/azurepim/azure-pim/handler"
)

// New serves the app's functions to the host.
func New(a *App) http.Handler { return handler.New(a.Log, handler.Options{}, a.Table()...) }
