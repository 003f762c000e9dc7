package amqpbroker

import (
	"fmt"
	"time"
)

const (
	// MaxMessageSize is the most bytes of an encoded message, and of a batch:
	// 256 KB in the Standard tier (Service Bus quotas).
	MaxMessageSize = 256 << 10

	// MaxBatchCount is the most messages of a batch in the Standard tier. It is
	// not in the documentation of the quotas: Azure/azure-service-bus issue 397.
	MaxBatchCount = 4500

	// maxIDLength is the most characters of a message id or session id (Service
	// Bus quotas).
	maxIDLength = 128

	maxProperty = 32 << 10 // bytes of a property (Service Bus quotas)
	maxHeaders  = 64 << 10 // bytes of all before the body (Service Bus quotas)

	maxLockDuration    = 5 * time.Minute    // Service Bus quotas
	maxDuplicateWindow = 7 * 24 * time.Hour // "Duplicate detection", window size
)

// QueueConfig holds those settings of a queue that change what a client observes.
type QueueConfig struct {
	Name string

	// LockDuration is how long a received message stays locked; zero means one
	// minute, the default of Service Bus. At most five minutes.
	LockDuration time.Duration

	// MaxDeliveryCount is the number of failed deliveries after which a message
	// is dead-lettered; zero means 10, the default of Service Bus.
	MaxDeliveryCount int

	// DefaultMessageTimeToLive is the longest life of a message; zero: no expiry.
	DefaultMessageTimeToLive time.Duration

	// DeadLetteringOnMessageExpiration keeps expired messages as dead letters.
	DeadLetteringOnMessageExpiration bool

	// RequiresSession makes the queue one of sessions.
	RequiresSession bool

	// DuplicateDetectionWindow is how long message ids are remembered; zero:
	// duplicates are not detected. At most seven days.
	DuplicateDetectionWindow time.Duration
}

// withDefaults fills in what Service Bus would.
func (c QueueConfig) withDefaults() QueueConfig {
	if c.LockDuration == 0 {
		c.LockDuration = time.Minute
	}
	if c.MaxDeliveryCount == 0 {
		c.MaxDeliveryCount = 10
	}
	return c
}

// check reports what Service Bus would refuse when the queue is created. The
// lower limits (a lock of 5 s, a window of 20 s) are not enforced: tests on a
// real clock need less.
func (c QueueConfig) check() error {
	switch {
	case c.Name == "":
		return fmt.Errorf("queue has no name")
	case c.LockDuration < 0 || c.LockDuration > maxLockDuration:
		return fmt.Errorf("queue %q: lock duration %v is not within %v", c.Name, c.LockDuration, maxLockDuration)
	case c.MaxDeliveryCount < 1:
		return fmt.Errorf("queue %q: max delivery count %d is below 1", c.Name, c.MaxDeliveryCount)
	case c.DuplicateDetectionWindow < 0 || c.DuplicateDetectionWindow > maxDuplicateWindow:
		return fmt.Errorf("queue %q: duplicate detection window %v is not within %v", c.Name, c.DuplicateDetectionWindow, maxDuplicateWindow)
	}
	return nil
}
