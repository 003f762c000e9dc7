package main

import (
	_ "embed"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/azurepim/azure-pim/internal/amqpbroker"
	"github.com/azurepim/azure-pim/internal/devhost"
)

// localRules are wide enough for the sample request, in a tenant where nothing
// is real.
//
//go:embed rules.local.yaml
var localRules []byte

// localSweep watches that tenant, and only reports.
//
//go:embed sweep.local.yaml
var localSweep []byte

// surroundings starts what the handler finds in Azure and returns the settings
// that lead there. Those of the settings file win.
func surroundings(o options) (settings map[string]string, stop func(), err error) {
	var stops []func()
	stop = func() {
		for i := len(stops) - 1; i >= 0; i-- {
			stops[i]()
		}
	}
	defer func() {
		if err != nil {
			stop()
		}
	}()
	t, err := startTenant("127.0.0.1:0", o.instant)
	if err != nil {
		return nil, stop, err
	}
	stops = append(stops, t.close)
	settings = t.settings()

	broker := amqpbroker.NewBroker(queues()...)
	server := &amqpbroker.Server{Broker: broker, Log: log.New(os.Stderr, "queues ", log.LstdFlags)}
	stops = append(stops, broker.Close, server.Close)
	address, err := server.Start("127.0.0.1:0")
	if err != nil {
		return nil, stop, fmt.Errorf("queues: %w", err)
	}
	settings["ServiceBusConnection"] = fmt.Sprintf("Endpoint=sb://%s;SharedAccessKeyName=local;SharedAccessKey=bG9jYWw=;UseDevelopmentEmulator=true", address)

	dir, err := os.MkdirTemp("", "devhost-")
	if err != nil {
		return nil, stop, err
	}
	stops = append(stops, func() { _ = os.RemoveAll(dir) }) // a leftover does no harm
	for setting, file := range map[string]struct {
		name string
		text []byte
	}{"PIM_RULES": {"rules.yaml", localRules}, "PIM_SWEEP_RULES": {"sweep.yaml", localSweep}} {
		settings[setting] = filepath.Join(dir, file.name)
		if err := os.WriteFile(settings[setting], file.text, 0o600); err != nil {
			return nil, stop, err
		}
	}
	settings["SWEEP_SCHEDULE"] = "0 */15 * * * *"

	if o.settings != "" {
		own, err := devhost.LoadSettings(o.settings)
		if err != nil {
			return nil, stop, err
		}
		maps.Copy(settings, own)
	}
	return settings, stop, nil
}

// queues are those of the deployment, infra/app/servicebus.bicep.
func queues() []amqpbroker.QueueConfig {
	var configs []amqpbroker.QueueConfig
	for _, name := range []string{"pim-requests", "pim-changes", "pim-outcomes"} {
		configs = append(configs, amqpbroker.QueueConfig{
			Name:                             name,
			LockDuration:                     time.Minute,
			MaxDeliveryCount:                 10,
			DuplicateDetectionWindow:         10 * time.Minute,
			DeadLetteringOnMessageExpiration: true,
		})
	}
	return configs
}
