package e2e_test

import (
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/internal/amqpbroker"
	"github.com/azurepim/azure-pim/internal/azurite"
	"github.com/azurepim/azure-pim/internal/devhost"
	"github.com/azurepim/azure-pim/pim/ledger"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// world is one deployment: tenant, queues, journal, and the settings that lead there.
type world struct {
	t        *testing.T
	tenant   *simtenant.Tenant
	toTenant *gate
	journal  *ledger.Table
	toTable  *gate
	queues   *amqpbroker.Server
	told     *outcomes
	settings map[string]string
	log      *hostLog

	identity      string // of the app
	subscriptions []string
}

// fast is a tenant that shows every change at once.
func fast() simtenant.Options {
	return simtenant.Options{AzureDelay: simtenant.None, DirectoryDelay: simtenant.None, GroupDelay: simtenant.None, AuditDelay: simtenant.None}
}

// newWorld makes a deployment without a host. It skips the test where Azurite is not
// installed.
func newWorld(t *testing.T, o simtenant.Options) *world {
	t.Helper()
	azurite.Start(t)
	w := &world{t: t, log: newHostLog(t)}

	w.toTenant = newGate(nil)
	tenant := httptest.NewUnstartedServer(w.toTenant)
	tenant.Config.ErrorLog = log.New(io.Discard, "", 0) // calls that are cut
	o.BaseURL = "http://" + tenant.Listener.Addr().String()
	w.tenant = simtenant.New(o)
	w.toTenant.service = w.tenant
	tenant.Start()
	t.Cleanup(tenant.Close)
	w.identity = w.tenant.AddServicePrincipal(simtenant.ServicePrincipal{
		Name: "azure-pim", ManagedIdentity: true, AppRoles: []string{"Directory.Read.All"},
	})
	w.tenant.Assign(simtenant.Grant{Scope: "/providers/Microsoft.Management/managementGroups/" + w.tenant.ID(), Role: "User Access Administrator", Principal: w.identity})
	w.subscribe(1)

	w.toTable, w.journal = openJournal(t, "T"+strings.ReplaceAll(uuid.NewString(), "-", ""))
	table := httptest.NewUnstartedServer(w.toTable)
	table.Config.ErrorLog = log.New(io.Discard, "", 0)
	table.StartTLS()
	t.Cleanup(table.Close)
	trusted := filepath.Join(t.TempDir(), "trusted.pem")
	require.NoError(t, os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: table.Certificate().Raw}), 0o600))

	w.queues = &amqpbroker.Server{Broker: amqpbroker.NewBroker(queues()...)}
	t.Cleanup(w.queues.Close)
	address, err := w.queues.Start("127.0.0.1:0")
	require.NoError(t, err)

	rules, err := filepath.Abs("testdata/rules.yaml")
	require.NoError(t, err)
	w.settings = map[string]string{
		"PIM_TENANT_ID":      w.tenant.ID(),
		"PIM_ARM_ENDPOINT":   o.BaseURL,
		"PIM_GRAPH_ENDPOINT": o.BaseURL,
		"PIM_LOGIN_ENDPOINT": o.BaseURL,
		"IDENTITY_ENDPOINT":  o.BaseURL + "/msi/token",
		"IDENTITY_HEADER":    simtenant.DefaultIdentityHeader,
		"PIM_RULES":          rules,
		"PIM_LEDGER":         table.URL + "/devstoreaccount1",
		// In Azure it is longer than any call with its retries; here calls take
		// milliseconds.
		"PIM_LEASE":            "PT2S",
		"SSL_CERT_FILE":        trusted,
		"ServiceBusConnection": amqpbroker.ConnectionString(address),
		"SWEEP_SCHEDULE":       "0 0 3 * * *",
	}
	w.told = listen(t, w.settings["ServiceBusConnection"])
	return w
}

// queues are those of the deployment, but for the lock of a message: a dead host's
// message is to come back within a test's patience.
func queues() []amqpbroker.QueueConfig {
	var configs []amqpbroker.QueueConfig
	for _, name := range []string{functions.RequestsQueue, functions.ChangesQueue, functions.OutcomesQueue} {
		configs = append(configs, amqpbroker.QueueConfig{
			Name: name, LockDuration: 5 * time.Second, MaxDeliveryCount: 10, DuplicateDetectionWindow: 10 * time.Minute,
		})
	}
	return configs
}

// subscribe seeds subscriptions over which roles are granted.
func (w *world) subscribe(n int) {
	for range n {
		w.subscriptions = append(w.subscriptions, w.tenant.AddSubscription(uuid.NewString(), "Production", ""))
	}
}

// quick are the host's durations where the real ones would only be waited for. How often
// a handler may die stays as it is.
var quick = devhost.Timing{PollEvery: 5 * time.Millisecond, DrainHTTP: time.Second, DrainJobs: time.Second, QueueRetry: 50 * time.Millisecond}

// host starts a host, and with it a handler.
func (w *world) host() *devhost.Host {
	w.t.Helper()
	// Timers fire when a test fires them: their clock begins just behind their time.
	begin, noon := time.Now(), time.Date(2026, 1, 1, 12, 0, 1, 0, time.UTC)
	h, err := devhost.Start(w.t.Context(), devhost.Config{
		Root: app(w.t), Addr: "127.0.0.1:0", Settings: w.settings, Log: w.log.logger(),
		Timing: quick, Now: func() time.Time { return noon.Add(time.Since(begin)) },
	})
	require.NoError(w.t, err)
	w.t.Cleanup(h.Close)
	return h
}

// eventually waits until something is true.
func (w *world) eventually(what string, within time.Duration, is func() bool) {
	w.t.Helper()
	require.Eventually(w.t, is, within, 10*time.Millisecond, what)
}
