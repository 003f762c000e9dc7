package functions

import (
	"net/http"
	"time"

	"github.com/azurepim/azure-pim/handler"
)

// Bounds are those of our invocations. A sweep reads for minutes; host.json's
// functionTimeout, at which the host kills the whole process, lies above them and
// the waits before them: 30 s until the handler listens, 30 s until it is ready.
var Bounds = handler.Options{Deadline: 8*time.Minute + 45*time.Second}

// New serves the app's functions to the host.
func New(a *App) http.Handler { return handler.New(a.Log, Bounds, a.Table()...) }
