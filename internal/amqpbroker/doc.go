// Package amqpbroker is a Service Bus namespace in this process, for tests and
// local runs: queues, and the AMQP 1.0 that azservicebus speaks to them.
//
// It does what a client can observe of queues in the Standard tier: peek-lock
// and receive-and-delete, settlement, lock expiry and renewal, delivery counts,
// dead-lettering, time to live, scheduled messages and their cancelling,
// duplicate detection, sessions, deferral, peeking, claims put to $cbs, and the
// limits on the size of messages and batches.
//
// It does not do topics, transactions, auto-forwarding, partitioned entities,
// throttling, quotas on the size of a queue, expiry of claims, idle time-outs,
// or the https administration API. Nothing is kept on disk.
//
// Time is the time package's, so that a broker reached through [Server.Dial]
// runs in virtual time inside a testing/synctest bubble.
package amqpbroker
