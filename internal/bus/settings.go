package bus

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// DefaultTimeout bounds an operation whose Settings name no other. It is well
// below the minute for which Service Bus locks a message that the sender may
// be working on, and above the pauses of defaultRetry together; and below the 15
// seconds that the engine and the functions give to a sending, since only a time-out
// of our own tells that the connection has gone silent and another one is due.
const DefaultTimeout = 12 * time.Second

// defaultRetry tries for about ten seconds, sooner than azservicebus would: a
// failover takes a few seconds, and whoever calls has a message locked.
var defaultRetry = azservicebus.RetryOptions{
	MaxRetries:    5,
	RetryDelay:    200 * time.Millisecond,
	MaxRetryDelay: 5 * time.Second,
}

// Settings say which namespace to use, in the terms of the Functions host's
// connection settings.
type Settings struct {
	// ConnectionString is the value of the setting itself (ServiceBusConnection),
	// for a namespace and not a single queue. UseDevelopmentEmulator=true in it
	// means plain TCP. As in the host, it wins over the namespace.
	ConnectionString string

	// FullyQualifiedNamespace is the host name of the namespace, as in
	// ServiceBusConnection__fullyQualifiedNamespace; it needs a Credential.
	FullyQualifiedNamespace string
	Credential              azcore.TokenCredential

	// Timeout bounds each operation; zero means DefaultTimeout.
	Timeout time.Duration

	// Options are passed to azservicebus. Zero RetryOptions mean up to five more
	// tries within about ten seconds.
	Options azservicebus.ClientOptions
}

// check reports all mistakes together.
func (s Settings) check() error {
	var errs []error
	switch {
	case s.ConnectionString != "":
		if hasEntityPath(s.ConnectionString) {
			errs = append(errs, errors.New("connection string is for one queue (EntityPath), not for the namespace"))
		}
	case s.FullyQualifiedNamespace == "":
		errs = append(errs, errors.New("neither connection string nor namespace is set"))
	default:
		if strings.ContainsAny(s.FullyQualifiedNamespace, "/@? ") {
			errs = append(errs, fmt.Errorf("namespace %q is not a host name", s.FullyQualifiedNamespace))
		}
		if s.Credential == nil {
			errs = append(errs, errors.New("namespace is set without a credential"))
		}
	}
	if s.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout %v is negative", s.Timeout))
	}
	return errors.Join(errs...)
}

func hasEntityPath(connection string) bool {
	for part := range strings.SplitSeq(connection, ";") {
		if key, _, _ := strings.Cut(part, "="); strings.EqualFold(strings.TrimSpace(key), "EntityPath") {
			return true
		}
	}
	return false
}

// client makes a client. It connects when it is first used.
func (s Settings) client() (*azservicebus.Client, error) {
	options := s.Options
	if options.RetryOptions == (azservicebus.RetryOptions{}) {
		options.RetryOptions = defaultRetry
	}
	if s.ConnectionString != "" {
		return azservicebus.NewClientFromConnectionString(s.ConnectionString, &options)
	}
	return azservicebus.NewClient(s.FullyQualifiedNamespace, s.Credential, &options)
}
