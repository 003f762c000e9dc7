package main

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"
)

func (c *cli) showVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this program", Args: cobra.NoArgs,
		Example: "  pim version --output json",
		RunE: c.begin(func(context.Context, []string) error {
			v := struct {
				Version  string `json:"version"`
				Go       string `json:"go"`
				Platform string `json:"platform"`
			}{c.version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			return c.print(v, func(p *page) {
				p.row("pim", v.Version)
				p.row("go", v.Go)
				p.row("platform", v.Platform)
			})
		}),
	}
}
