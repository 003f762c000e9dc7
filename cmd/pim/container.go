package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/azurepim/azure-pim/pim"
)

// proveContainer reads the files of some days in the container.
func (c *cli) proveContainer(ctx context.Context, v verifying) ([]proof, error) {
	days, err := v.days(time.Now().UTC())
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(v.container)
	if err != nil || u.Scheme != "https" || u.Host == "" || len(u.Path) < 2 || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		// What was given is not repeated: it may hold a signature.
		return nil, usage("--container is no address such as https://contoso.blob.core.windows.net/audit")
	}
	cfg, err := c.settings(v.signIn)
	if err != nil {
		return nil, err
	}
	cred, err := c.credential(v.signIn, cfg)
	if err != nil {
		return nil, err
	}
	client, err := container.NewClient(u.String(), cred, &container.ClientOptions{ClientOptions: azcore.ClientOptions{Cloud: cfg.Cloud}})
	if err != nil {
		return nil, err
	}
	var out []proof
	for _, day := range days {
		proofs, err := proveDay(ctx, client, day)
		if err != nil {
			return nil, unreadable(err)
		}
		out = append(out, proofs...)
	}
	if len(out) == 0 {
		// An empty log proves nothing, and may be a mistyped day or a lost log.
		return nil, fmt.Errorf("the container holds no file of %s to %s", days[0], days[len(days)-1])
	}
	return out, nil
}

// proveDay reads the files of one day, each as a stream.
func proveDay(ctx context.Context, client *container.Client, day string) ([]proof, error) {
	date, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil, err
	}
	prefix := date.Format("2006/01/02/")
	var out []proof
	for pages := client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix}); pages.More(); {
		found, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, item := range found.Segment.BlobItems {
			resp, err := client.NewBlobClient(*item.Name).DownloadStream(ctx, nil)
			if err != nil {
				out = append(out, proof{Name: *item.Name, Why: explain(unreadable(err))})
				continue
			}
			body := resp.NewRetryReader(ctx, nil)
			out = append(out, prove(body, *item.Name))
			if err := body.Close(); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// mostDays bounds a range: what is kept longest, and a little.
const mostDays = 4000

// days lists the days asked for, each as 2006-01-02.
func (v verifying) days(now time.Time) ([]string, error) {
	from, to := v.from, v.to
	if v.day != "" {
		from, to = v.day, v.day
	}
	if to == "" {
		to = now.Format(time.DateOnly)
	}
	if from == "" {
		from = to
	}
	first, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return nil, usage("%q is not a day such as 2026-11-22", from)
	}
	last, err := time.Parse(time.DateOnly, to)
	if err != nil {
		return nil, usage("%q is not a day such as 2026-11-22", to)
	}
	var out []string
	for d := first; !d.After(last) && len(out) < mostDays; d = d.AddDate(0, 0, 1) {
		out = append(out, d.Format(time.DateOnly))
	}
	if len(out) == 0 {
		return nil, usage("the range ends on %s, before it begins on %s", to, from)
	}
	if len(out) == mostDays {
		return nil, usage("the range is longer than %d days", mostDays-1)
	}
	return out, nil
}

// unreadable puts the storage service's page of text into a line.
func unreadable(err error) error {
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return err
	}
	e := &pim.Error{Op: "audit", Code: pim.CodeInternal, PIMCode: answer.ErrorCode, Detail: fmt.Sprintf("the container answered %d", answer.StatusCode)}
	switch {
	case bloberror.HasCode(err, bloberror.ContainerNotFound):
		e.Remedy = "look at the name of the container"
	case answer.StatusCode == 403:
		e.Remedy = "reading takes the role Storage Blob Data Reader on the container, and a way through its network rules"
	}
	return e
}
