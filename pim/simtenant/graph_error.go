package simtenant

import (
	"encoding/json"
	"net/http"
	"time"
)

// graphError is an error before the ids of the call are in it.
func graphError(r *refusal) *answer { return reply(r.status, errorBody(r.code, r.message)) }

// nameError puts the ids of the call into an error, as Graph does.
func (a *answer) nameError(request, client string, now time.Time) {
	var body struct {
		Error map[string]any `json:"error"`
	}
	if err := json.Unmarshal(a.body, &body); err != nil {
		panic("simtenant: an error of Graph is not JSON: " + err.Error())
	}
	body.Error["innerError"] = map[string]any{
		"date": now.Format("2006-01-02T15:04:05"), "request-id": request, "client-request-id": client,
	}
	header := a.header
	*a = *reply(a.status, body)
	for name := range header {
		a.header.Set(name, header.Get(name))
	}
}

// wrapped is the other way in which PIM on Graph says no: an error in JSON within
// the message of an UnknownError.
func wrapped(r *refusal) *refusal {
	text, err := json.Marshal(struct {
		Code        string `json:"errorCode"`
		Message     string `json:"message"`
		Annotations []any  `json:"instanceAnnotations"`
	}{r.code, r.message, []any{}})
	if err != nil {
		panic("simtenant: " + err.Error())
	}
	return &refusal{r.status, "UnknownError", string(text)}
}

// The refusals of the directory.
var errDenied = &refusal{http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."}

// noObject is the directory's 404.
func noObject(id string) *refusal {
	return &refusal{http.StatusNotFound, "Request_ResourceNotFound", "Resource '" + id +
		"' does not exist or one of its queried reference-property objects are not present."}
}

func badGraphRequest(message string) *refusal { return refuse("Request_BadRequest", message) }
