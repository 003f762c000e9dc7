package functions_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
)

// One full queue hides no other: pages lead through all of them.
func TestDeadLettersAreListedPageByPageThroughAllQueues(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, "version: 1\nreaders: [{anyKey: true}]\nrules: []\n")
		a.app.Queues = letters{a.queues} // each has three
		for _, limit := range []int{1, 2, 3, 4, 9, 100} {
			var seen []string
			for next := ""; ; {
				rec := a.call(http.MethodGet, fmt.Sprintf("/api/deadletters?limit=%d&next=%s", limit, url.QueryEscape(next)), "")
				require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
				var page struct {
					Value []functions.DeadLetter
					Next  string
				}
				require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &page))
				require.LessOrEqual(t, len(page.Value), limit)
				for _, d := range page.Value {
					seen = append(seen, fmt.Sprint(d.Queue, ":", d.Sequence))
				}
				if next = page.Next; next == "" {
					break
				}
			}
			require.Equal(t, []string{
				"pim-requests:1", "pim-requests:2", "pim-requests:3", "pim-changes:1", "pim-changes:2", "pim-changes:3",
				"pim-outcomes:1", "pim-outcomes:2", "pim-outcomes:3",
			}, seen, "limit %d", limit)
		}
		for _, bad := range []string{"pim-requests", "secrets:1", "pim-requests:x", "pim-requests:-1"} {
			require.Equal(t, http.StatusBadRequest, a.call(http.MethodGet, "/api/deadletters?next="+bad, "").Code, bad)
		}
	})
}
