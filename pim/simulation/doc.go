// Package simulation runs engine, ledger, queue and tenant in one process and in
// virtual time, and lets a seed decide everything that a data centre decides: who
// runs next, which process dies between which two effects, which answer is lost,
// which message comes twice. Afterwards, and at every step on the way, it checks
// what must be true whatever happened. It is for tests alone.
//
// # How a world turns
//
// A world is one bubble of testing/synctest. Whatever an engine does to the world
// outside (a call of the tenant, a read or write of the journal, an audit line, a
// message) goes through a gate, where its goroutine stops until the director lets it
// go on. The director waits until everyone has stopped or sleeps, draws from the
// seed who is next and what befalls them, and releases that one. So exactly one
// goroutine acts on shared things at any moment, and a seed always gives the same
// run, on any machine.
//
// A process that is to die is never released again: its goroutines end at their
// gates, before or after the effect, and the engine that takes over shares nothing
// with it but ledger, queues and tenant.
package simulation
