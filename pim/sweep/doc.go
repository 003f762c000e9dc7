// Package sweep ends access that has outlived its reason. The platform's own expiry
// is the first line; the sweep is the second, and must never become an outage.
//
// It works in two parts that can be days and people apart. [Sweeper.Plan] reads, and
// writes down every removal it would propose, why, and all that is needed to restore
// it. [Sweeper.Apply] carries out exactly such a plan, named by the hash of its
// content: each removal is a change through the same engine, queue and ledger as any
// other, looked at once more just before. [Sweeper.Restore] puts back what a run
// removed.
//
// Nothing is removed on the strength of what could not be read: a listing that failed
// removes nothing in its scope, a scope that suddenly shows nothing is an error, and
// a principal is deleted only if the directory says so while it answers for another
// one that is known to exist.
package sweep
