package devhost

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"
)

// sender is the client that a queue is read with, as Metadata shows it.
type sender struct {
	FullyQualifiedNamespace string
	IsClosed                bool
	TransportType           int
	Identifier              string
}

// noExpiry is .NET's DateTime.MaxValue: the message never expires.
var noExpiry = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// queueEnvelope is what the function gets for m. Without dataType binary, the
// members of a JSON body lie over Metadata: a sender can forge all of it.
func queueEnvelope(f function, client sender, m *azservicebus.ReceivedMessage) (envelope, error) {
	metadata := messageMetadata(client, m)
	metadata.set("sys", newSys(f.name))
	e := envelope{Metadata: metadata.values}
	switch strings.ToLower(f.trigger.DataType) {
	case "binary":
		body, err := messageBytes(m)
		if err != nil {
			return e, err
		}
		e.Data = map[string]any{f.trigger.Name: base64.StdEncoding.EncodeToString(body)}
	case "", "string":
		text, err := messageText(m)
		if err != nil {
			return e, err
		}
		value, err := twice(text)
		if err != nil {
			return e, err
		}
		e.Data = map[string]any{f.trigger.Name: value}
		metadata.lift(text)
	default:
		return e, fmt.Errorf("a message cannot be bound to dataType %q", f.trigger.DataType)
	}
	return e, nil
}

// messageMetadata has the members in the recorded shapes: numbers and texts
// serialised twice, times plain and without fractions.
func messageMetadata(client sender, m *azservicebus.ReceivedMessage) metadata {
	data := metadata{values: map[string]any{}}
	for _, service := range []string{"MessageReceiver", "MessageSession", "MessageActions", "SessionActions", "ReceiveActions"} {
		data.set(service, struct{}{})
	}
	data.set("Client", client)
	data.set("DeliveryCount", fmt.Sprint(m.DeliveryCount))
	data.text("LockToken", uuid.UUID(m.LockToken).String())
	expires := noExpiry
	if m.TimeToLive != nil && *m.TimeToLive > 0 && m.ExpiresAt != nil {
		expires = *m.ExpiresAt
	}
	data.time("Expires", "At", expires)
	if m.EnqueuedTime != nil {
		data.time("Enqueued", "Time", *m.EnqueuedTime)
	}
	data.text("MessageId", m.MessageID)
	data.optional("ContentType", m.ContentType)
	data.optional("ReplyTo", m.ReplyTo)
	if m.SequenceNumber != nil {
		data.set("SequenceNumber", fmt.Sprint(*m.SequenceNumber))
	}
	data.optional("To", m.To)
	data.optional("Subject", m.Subject)
	data.optional("Label", m.Subject)
	data.optional("CorrelationId", m.CorrelationID)
	properties := m.ApplicationProperties
	if properties == nil {
		properties = map[string]any{}
	}
	data.set("ApplicationProperties", properties)
	data.set("UserProperties", properties)
	data.optional("SessionId", m.SessionID)
	data.optional("ReplyToSessionId", m.ReplyToSessionID)
	data.optional("PartitionKey", m.PartitionKey)
	return data
}

// messageBytes is the body as the host binds it to bytes: ServiceBusReceivedMessage.Body,
// which joins the data sections and throws for a body of another kind.
func messageBytes(m *azservicebus.ReceivedMessage) ([]byte, error) {
	raw := m.RawAMQPMessage
	switch {
	case raw == nil:
		return m.Body, nil
	case raw.Body.Sequence != nil:
		return nil, hostSays("Sequence cannot be retrieved using the Body property.")
	case raw.Body.Value != nil:
		return nil, hostSays("Value cannot be retrieved using the Body property.")
	}
	return bytes.Join(raw.Body.Data, nil), nil
}

// messageText is the body as the host binds it to a string: bytes read as
// UTF-8, or an AMQP value that is one.
func messageText(m *azservicebus.ReceivedMessage) (string, error) {
	text := string(m.Body)
	if raw := m.RawAMQPMessage; raw != nil && len(raw.Body.Data) != 1 {
		value, ok := raw.Body.Value.(string)
		switch {
		case raw.Body.Sequence != nil:
			return "", hostSays("A sequence body message cannot be bound to a string.")
		case !ok:
			return "", fmt.Errorf("a message with a value type of %T cannot be bound to a string", raw.Body.Value)
		}
		text = value
	}
	return string([]rune(text)), nil // wrong bytes become U+FFFD
}
