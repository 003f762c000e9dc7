package devhost

import (
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// NextOccurrence is when the schedule fires after t.
func NextOccurrence(text string, t time.Time) (time.Time, error) {
	s, err := parseSchedule(text)
	if err != nil {
		return time.Time{}, err
	}
	return s.next(t), nil
}

// QueueBody is what the function gets for m.
func QueueBody(name, parameter, dataType string, m *azservicebus.ReceivedMessage) (string, error) {
	client := sender{FullyQualifiedNamespace: "localhost", Identifier: "localhost-896ad5db-9e92-42fc-abe7-88c332289e03"}
	trigger := binding{Name: parameter, DataType: dataType}
	e, err := queueEnvelope(function{name: name, trigger: trigger}, client, m)
	if err != nil {
		return "", err
	}
	body, err := plainJSON(e)
	return string(body), err
}
