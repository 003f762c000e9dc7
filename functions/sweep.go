package functions

import (
	"context"
	"time"

	"github.com/azurepim/azure-pim/handler"
)

const (
	// sweepBudget is how long the timer's sweep starts removals and stays with them:
	// less than Bounds gives to a timer, so that what became of them is written.
	sweepBudget = 8 * time.Minute
)

// sweep looks for access that has outlived its reason. Without rules for it there is
// nothing to do.
func (a *App) sweep(ctx context.Context, _ handler.Tick) error {
	if a.Sweeper == nil {
		a.Log.InfoContext(ctx, "nothing is swept: there is no sweeper")
		return nil
	}
	_, err := a.Sweeper.Sweep(ctx, time.Now().Add(sweepBudget))
	return err
}
