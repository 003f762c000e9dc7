package devhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"
)

const (
	// callsPerCore is how many messages the host works on at once, for each
	// core, unless host.json has maxConcurrentCalls.
	callsPerCore = 16
	// renewFor is how long the host renews a message's lock, unless host.json
	// has maxAutoLockRenewalDuration.
	renewFor = 5 * time.Minute
	// minRenewal keeps renewals apart while the queue cannot be reached.
	minRenewal = 100 * time.Millisecond
	// settleWithin bounds the last words to the queue when the host ends.
	settleWithin = 5 * time.Second
)

// pump delivers the messages of one queue to one function.
type pump struct {
	host     *Host
	f        function
	log      *slog.Logger
	calls    int
	renewFor time.Duration
	client   *azservicebus.Client
	sender   sender
}

// loadPumps makes a pump for every queue function. A missing connection
// stops that function alone.
func (h *Host) loadPumps(host hostJSON) error {
	calls, err := host.number("extensions:servicebus:maxconcurrentcalls", callsPerCore*runtime.NumCPU())
	if err != nil {
		return err
	}
	renewal := renewFor
	if path := "extensions:servicebus:maxautolockrenewalduration"; host.has(path) {
		if renewal, err = host.span(path); err != nil {
			return err
		}
	}
	for _, f := range h.functions {
		if !f.trigger.is("serviceBusTrigger") || f.disabled {
			continue
		}
		p := &pump{host: h, f: f, log: h.log.With("category", "Microsoft.Azure.WebJobs.ServiceBus.Listeners.ServiceBusListener"), calls: calls, renewFor: renewal}
		client, namespace, err := h.settings.serviceBus(f.trigger.Connection)
		if err != nil {
			h.log.Error("The listener for function 'Functions."+f.name+"' was unable to start.", "category", "Host.Startup", "error", err)
			continue
		}
		p.client = client
		p.sender = sender{FullyQualifiedNamespace: namespace, Identifier: namespace + "-" + uuid.NewString()}
		h.pumps = append(h.pumps, p)
	}
	return nil
}

// run reads the queue until ctx ends. A queue that cannot be read is tried
// again for ever.
func (p *pump) run() {
	ctx := p.host.intake
	defer closeWithin(settleWithin, p.client.Close)
	for ctx.Err() == nil {
		if err := p.read(ctx); err != nil && ctx.Err() == nil {
			p.complain("Receive", err)
			select {
			case <-time.After(p.host.cfg.Timing.QueueRetry):
			case <-ctx.Done():
			}
		}
	}
}

func (p *pump) read(ctx context.Context) error {
	receiver, err := p.client.NewReceiverForQueue(p.f.trigger.QueueName, nil)
	if err != nil {
		return err
	}
	free := make(chan struct{}, p.calls)
	for range p.calls {
		free <- struct{}{}
	}
	defer closeWithin(settleWithin, receiver.Close)
	defer func() {
		for range p.calls {
			<-free // messages at work need the receiver
		}
	}()
	for {
		<-free
		room := 1
		for len(free) > 0 {
			<-free
			room++
		}
		messages, err := receiver.ReceiveMessages(ctx, room, nil)
		for range room - len(messages) {
			free <- struct{}{}
		}
		for _, m := range messages {
			go func() {
				defer func() { free <- struct{}{} }()
				p.deliver(receiver, m)
			}()
		}
		if err != nil {
			return err
		}
	}
}

// deliver gives m to the function and settles it: completed if the function
// succeeded, else abandoned, which delivers it again at once. A message that
// was cut off by the end of the host keeps its lock until that runs out.
func (p *pump) deliver(receiver *azservicebus.Receiver, m *azservicebus.ReceivedMessage) {
	stop := p.renew(receiver, m)
	defer stop()
	id := uuid.NewString()
	err := p.host.invoke(p.host.ctx, p.f.name, id, "(null)", func(ctx context.Context) error {
		e, err := queueEnvelope(p.f, p.sender, m)
		if err != nil {
			return fmt.Errorf("exception binding parameter '%s': %w", p.f.trigger.Name, err)
		}
		return p.host.post(ctx, p.f.name, id, e)
	})
	if err != nil && p.host.ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.host.ctx), settleWithin)
	defer cancel()
	action := "Complete"
	if err != nil {
		action = "Abandon"
		err = receiver.AbandonMessage(ctx, m, nil)
	} else {
		err = receiver.CompleteMessage(ctx, m, nil)
	}
	if err != nil {
		p.complain(action, err)
	}
}

func (p *pump) complain(action string, err error) {
	p.log.Error(fmt.Sprintf("Message processing error (Action=%s, EntityPath=%s, Endpoint=%s)", action, p.f.trigger.QueueName, p.sender.FullyQualifiedNamespace), "error", err)
}

// renew keeps m locked for as long as the host would.
func (p *pump) renew(receiver *azservicebus.Receiver, m *azservicebus.ReceivedMessage) (stop func()) {
	ctx, cancel := context.WithTimeout(p.host.ctx, p.renewFor)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for m.LockedUntil != nil && time.Now().Before(*m.LockedUntil) {
			select {
			case <-time.After(max(time.Until(*m.LockedUntil)/2, minRenewal)):
			case <-ctx.Done():
				return
			}
			var lost *azservicebus.Error
			if err := receiver.RenewMessageLock(ctx, m, nil); errors.As(err, &lost) && lost.Code == azservicebus.CodeLockLost {
				return
			}
		}
	}()
	return func() { cancel(); <-stopped }
}

// closeWithin closes what the process does not need any more; that it could
// not be told to the other side does no harm.
func closeWithin(d time.Duration, closing func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	_ = closing(ctx)
}
