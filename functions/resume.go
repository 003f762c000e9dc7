package functions

import (
	"context"
	"errors"
	"time"

	"github.com/azurepim/azure-pim/handler"
)

// remindFor is how long the timer looks after ends of access, of the five minutes to its
// next time.
const remindFor = 2 * time.Minute

// resume finds what stands still, tells of access that ends, and forgets what ended
// long ago. None of these keeps the others from being done.
func (a *App) resume(ctx context.Context, _ handler.Tick) error {
	done, err := a.Engine.Resume(ctx, time.Now().Add(time.Minute))
	errs := []error{err}
	pruned := 0
	if a.Pruner != nil && a.Retention > 0 {
		pruned, err = a.Pruner.Prune(ctx, time.Now().Add(-a.Retention))
		errs = append(errs, err)
	}
	if a.Sweeper != nil {
		errs = append(errs, a.Sweeper.Settle(ctx)) // changes of a sweep may have ended since it was applied
	}
	// Last: it asks the tenant, which may take its time over each answer.
	bound, cancel := context.WithTimeout(ctx, remindFor)
	defer cancel()
	reminded, err := a.Engine.Remind(bound)
	errs = append(errs, err)
	a.Log.InfoContext(ctx, "resumed", "carried", done.Carried, "told", done.Told, "expired", done.Expired, "reminded", reminded, "pruned", pruned)
	return errors.Join(errs...)
}
