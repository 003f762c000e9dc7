package functions

import (
	"net/http"
	"time"

	"github.com/azurepim/azure-pim/handler"
)

// Bounds are those of our invocations. A sweep reads for minutes; host.json's
// functionTimeout, at which the host kills the whole process, lies above them.
var Bounds = handler.Options{Deadline: 9 * time.Minute}

// New serves the app's functions to the host.
func New(a *App) http.Handler { return handler.New(a.Log, Bounds, a.Table()...) }
