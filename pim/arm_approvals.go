package pim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
)

const (
	armApproving = "2021-01-01-preview" // approvals: there is no other
	armBatch     = "2020-06-01"
)

// approvalsARM lists at the tenant root, where every approval lies, whatever the
// scope of its request.
func (c *Client) approvalsARM(ctx context.Context, op string) iter.Seq2[ScheduleRequest, error] {
	items := armList[armRequest](ctx, c, call{
		op: op, path: "/providers/Microsoft.Authorization/roleAssignmentScheduleRequests",
		query: url.Values{"api-version": {armPIM}, "$filter": {"asApprover()"}},
	})
	return each(items, func(a armRequest) (ScheduleRequest, bool, error) {
		r, err := decodeARM(Assignment, a)
		return r, true, at(op, err)
	})
}

// armReview wraps the review as the examples of the reference do, against its schema.
type armReview struct {
	Properties review `json:"properties"`
}

func (c *Client) decideARM(ctx context.Context, op, id string, r review) error {
	path := "/providers/Microsoft.Authorization/roleAssignmentApprovals/" + id
	var approval struct {
		Properties struct {
			Stages []struct {
				ID         string `json:"id"`
				Properties stage  `json:"properties"`
			} `json:"stages"`
		} `json:"properties"`
	}
	err := c.armCall(ctx, call{
		op: op, method: http.MethodGet, path: path, query: armVersion(armApproving), want: []int{http.StatusOK}, out: &approval,
	})
	if err != nil {
		return err
	}
	var stages []stage
	for _, s := range approval.Properties.Stages {
		s.Properties.ID = s.ID
		stages = append(stages, s.Properties)
	}
	open, err := openStage(stages)
	if err != nil {
		return at(op, err)
	}
	in := call{
		op: op, method: http.MethodPut, path: path + "/stages/" + open, query: armVersion(armApproving),
		body: armReview{r}, want: []int{http.StatusOK, http.StatusNoContent},
	}
	err = c.armCall(ctx, in)
	if !unrouted(err) {
		return err
	}
	return c.inBatch(ctx, in)
}

// unrouted reports whether the service does not know the path, which has been seen
// for stages that can well be decided in a batch.
func unrouted(err error) bool {
	raw, ok := errors.AsType[rawError](err)
	return ok && (raw.status == http.StatusNotFound || raw.status == http.StatusMethodNotAllowed)
}

// inBatch sends in as the one part of a batch.
func (c *Client) inBatch(ctx context.Context, in call) error {
	type part struct {
		Method  string `json:"httpMethod"`
		Name    string `json:"name"`
		URL     string `json:"url"`
		Content any    `json:"content"`
	}
	var out struct {
		Responses []struct {
			Status  int             `json:"httpStatusCode"`
			Content json.RawMessage `json:"content"`
		} `json:"responses"`
	}
	err := c.armCall(ctx, call{
		op: in.op, method: http.MethodPost, path: "/batch", query: armVersion(armBatch), want: []int{http.StatusOK}, out: &out,
		body: map[string][]part{"requests": {{
			Method: in.method, Name: lastSegment(in.path), URL: c.arm.endpoint + in.path + "?" + in.query.Encode(), Content: in.body,
		}}},
	})
	if err != nil {
		return err
	}
	if len(out.Responses) != 1 {
		return at(in.op, unreadable("the answer to a batch of one", nil))
	}
	r := out.Responses[0]
	if r.Status == http.StatusOK || r.Status == http.StatusNoContent {
		return nil
	}
	return at(in.op, answered(&http.Response{StatusCode: r.Status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(r.Content))}))
}
