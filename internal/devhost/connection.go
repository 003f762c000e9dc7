package devhost

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// retries are those of the host's own client, Azure.Messaging.ServiceBus
// (ServiceBusRetryOptions). Go's would leave a queue alone for half a minute after its
// connection was cut.
func retries() *azservicebus.ClientOptions {
	return &azservicebus.ClientOptions{RetryOptions: azservicebus.RetryOptions{
		MaxRetries: 3, RetryDelay: 800 * time.Millisecond, MaxRetryDelay: time.Minute,
	}}
}

// serviceBus makes a client for the connection of that name: the setting is
// a connection string, or <name>__fullyQualifiedNamespace names a namespace
// that takes our identity. "AzureWebJobs" may stand before the name.
func (s settings) serviceBus(name string) (client *azservicebus.Client, namespace string, err error) {
	name = cmp.Or(name, "ServiceBus")
	for _, name := range []string{"AzureWebJobs" + name, name} {
		if text, ok := s.lookup(name); ok && text != "" {
			client, err := azservicebus.NewClientFromConnectionString(text, retries())
			return client, connectionHost(text), err
		}
		if namespace, ok := s.lookup(name + "__fullyQualifiedNamespace"); ok && namespace != "" {
			identity, err := azidentity.NewDefaultAzureCredential(nil)
			if err != nil {
				return nil, "", err
			}
			client, err := azservicebus.NewClient(namespace, identity, retries())
			return client, namespace, err
		}
	}
	return nil, "", hostSays(fmt.Sprintf("Service Bus account connection string with name '%s' does not exist in the settings.", name))
}

// connectionHost is the namespace's host, without a port.
func connectionHost(text string) string {
	for part := range strings.SplitSeq(text, ";") {
		if endpoint, ok := strings.CutPrefix(part, "Endpoint=sb://"); ok {
			host, _, _ := strings.Cut(strings.TrimRight(endpoint, "/"), ":")
			return host
		}
	}
	return ""
}
