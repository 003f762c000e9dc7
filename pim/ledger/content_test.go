package ledger_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

// Requests that between them have every field: no action takes all of them.
const (
	grantAll = `{"id":"CR1","action":"grant","plane":"azure","scope":"/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/Größe",
		"role":"Owner","principalId":"5b0a2c11-65b4-4f1c-8f3d-3a1c3f0b8a01","duration":"PT4H","eligibleDuration":"P2D","start":"2026-12-01T08:00:00.5Z",
		"justification":"it's <b>\"broken\"</b> & 壊れた 😀","ticket":{"number":"CR1","system":"ServiceNow"},"condition":"@Resource[x] StringEquals 'y'"}`
	extendAll = `{"id":"CR1","action":"extend","plane":"directory","scope":"/","role":"fdd7a751-b60b-444a-984c-02652fe8fa1c","kind":"assignment",
		"principalId":"5b0a2c11-65b4-4f1c-8f3d-3a1c3f0b8a01","duration":"PT4H"}`
)

func TestNoFieldOfAChangeIsLost(t *testing.T) {
	for _, text := range []string{grantAll, extendAll} {
		var r pim.Request
		require.NoError(t, json.Unmarshal([]byte(text), &r))
		var want pim.Change
		fill(reflect.ValueOf(&want).Elem(), new(int))
		want.Request = r
		onBoth(t, func(t *testing.T, l journal) {
			saved, err := l.Save(t.Context(), want)
			require.NoError(t, err)
			loaded, err := l.Load(t.Context(), "CR1")
			require.NoError(t, err)
			require.Equal(t, saved, loaded)
			loaded.Version = ""
			require.Equal(t, want, loaded)
		})
	}
}

func TestRequestsOfTheRoundTripHaveEveryField(t *testing.T) {
	var a, b pim.Request
	require.NoError(t, json.Unmarshal([]byte(grantAll), &a))
	require.NoError(t, json.Unmarshal([]byte(extendAll), &b))
	for i := range reflect.TypeFor[pim.Request]().NumField() {
		name := reflect.TypeFor[pim.Request]().Field(i).Name
		require.False(t, reflect.ValueOf(a).Field(i).IsZero() && reflect.ValueOf(b).Field(i).IsZero(), "field %s", name)
	}
}

// fill gives every field that is written as JSON a value of its own, so that a field
// added tomorrow is tested, too. It panics at a kind that it does not know.
func fill(v reflect.Value, n *int) {
	*n++
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = noon.Add(time.Duration(*n) * time.Millisecond)
		return
	case *pim.Duration:
		*at = pim.Duration(time.Duration(*n) * time.Second)
		return
	case *pim.Request:
		return // has a form of its own
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i), n)
			}
		}
	default:
		panic("a field is a " + v.Type().String())
	}
}

// manyEffects gives a change n effects that take about bytes each in the ledger,
// where the four characters take 1, 6, 6 and 12.
func manyEffects(n, bytes int) func(*pim.Change) {
	return func(c *pim.Change) {
		for i := range n {
			c.Effects = append(c.Effects, pim.Effect{ScheduleRequest: pim.ScheduleRequest{
				Kind: pim.Assignment, Type: pim.AdminRemove, Name: fmt.Sprint(i),
				Condition: strings.Repeat("aü壊😀", bytes/25),
			}})
		}
	}
}

func TestChangeOfSixtyEffectsIsKept(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		want := save(t, l, change("CR1", manyEffects(60, 7750)))[0]
		got, err := l.Load(t.Context(), "CR1")
		require.NoError(t, err)
		require.Equal(t, want, got)
		// The parts that are no longer needed must not come back.
		got.Effects = got.Effects[:1]
		want = save(t, l, got)[0]
		got, err = l.Load(t.Context(), "CR1")
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestChangeThatCannotBeKeptIsRefusedBeforeItIsWritten(t *testing.T) {
	for _, r := range []struct {
		name string
		c    pim.Change
		want pim.Code
	}{
		{"too large", change("CR1", manyEffects(100, 7000)), pim.CodeRejected},
		{"without an id", change(""), pim.CodeInvalid},
		{"with an id of other characters", change("CR 1"), pim.CodeInvalid},
		{"with a request that nothing reads back", change("CR1", func(c *pim.Change) { c.Request.Action = "" }), pim.CodeInternal},
		{"of the year 10000", change("CR1", updated(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))), pim.CodeInternal},
	} {
		t.Run(r.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, l journal) {
				_, err := l.Save(t.Context(), r.c)
				require.Equal(t, r.want, pim.CodeOf(err), "%v", err)
				require.Empty(t, ids(t, l.List(t.Context(), pim.Filter{})))
			})
		})
	}
}
