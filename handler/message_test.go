package handler_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

type change struct {
	ID   string `json:"id"`
	Role string `json:"role"`
}

// deliver sends one message to a queue function of changes.
func deliver(t *testing.T, data, metadata string) handler.Message[change] {
	t.Helper()
	var got handler.Message[change]
	h := handler.New(newConsole().Logger, handler.Options{}, handler.ServiceBus("q",
		func(_ context.Context, m handler.Message[change]) error { got = m; return nil }))
	w := ask(h, "POST", "/q", fmt.Sprintf(`{"Data":{"msg":%s},"Metadata":%s}`, data, metadata))
	require.Equal(t, 200, w.Code, "whatever the sender wrote, the function was asked")
	require.Equal(t, complete, w.Body.String())
	return got
}

func TestBodyIsDecodedStrictlyAndElseMalformed(t *testing.T) {
	for _, tc := range []struct {
		name, body, malformed string // malformed: what the error says
	}{
		{name: "a change", body: `{"id":"c-1","role":"Owner"}`},
		{name: "white space around", body: " {\"id\":\"c-1\",\"role\":\"Owner\"}\r\n"},
		{name: "unknown field", body: `{"id":"c-1","scope":"/"}`, malformed: `unknown field "scope"`},
		{name: "wrong type", body: `{"id":1}`, malformed: "number"},
		{name: "no JSON", body: `hello`, malformed: "invalid character"},
		{name: "half", body: `{"id":`, malformed: "unexpected EOF"},
		{name: "two values", body: `{"id":"a"}{"id":"b"}`, malformed: "goes on"},
		{name: "something behind", body: `{"id":"a"} x`, malformed: "goes on"},
		{name: "empty", body: ``, malformed: "empty"},
		{name: "blank", body: " \n", malformed: "empty"},
		{name: "null", body: `null`, malformed: "null"},
		{name: "array", body: `[{"id":"a"}]`, malformed: "array"},
		{name: "byte order mark", body: "\ufeff" + `{"id":"a"}`, malformed: "invalid character"},
		{name: "no UTF-8", body: "{\"id\":\"\xff\"}", malformed: "not UTF-8"},
		{name: "text in base64 of our own", body: "eyJpZCI6ImEifQ==", malformed: "invalid character"},
		{name: "JSON in a string", body: `"{\"id\":\"a\"}"`, malformed: "string"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := deliver(t, `"`+base64.StdEncoding.EncodeToString([]byte(tc.body))+`"`, `{}`)
			require.Equal(t, tc.body, string(m.Raw))
			if tc.malformed == "" {
				require.NoError(t, m.Malformed)
				require.Equal(t, change{"c-1", "Owner"}, m.Body)
				return
			}
			require.ErrorContains(t, m.Malformed, tc.malformed)
			require.NotContains(t, m.Malformed.Error(), "\n")
			require.Zero(t, m.Body, "nothing half decoded is left")
		})
	}
}

func TestBinaryBodyIsByteForByteWhatWasSent(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for n := range 5 {
		body := all[:256-n]
		require.Equal(t, body, deliver(t, `"`+base64.StdEncoding.EncodeToString(body)+`"`, `{}`).Raw)
	}
}

func TestOtherEnvelopesDecodeToo(t *testing.T) {
	want := change{"c-1", "Owner"}
	for name, data := range map[string]string{
		"binary":           `"` + base64.StdEncoding.EncodeToString([]byte(`{"id":"c-1","role":"Owner"}`)) + `"`,
		"serialised twice": `"\"{\\\"id\\\":\\\"c-1\\\",\\\"role\\\":\\\"Owner\\\"}\""`,
		"serialised once":  `"{\"id\":\"c-1\",\"role\":\"Owner\"}"`,
		"plain":            `{"id":"c-1","role":"Owner"}`,
	} {
		t.Run(name, func(t *testing.T) {
			m := deliver(t, data, `{}`)
			require.NoError(t, m.Malformed)
			require.Equal(t, want, m.Body)
		})
	}
}

func TestMetadataIsUnwrapped(t *testing.T) {
	for _, tc := range []struct {
		metadata, id string
		count        int
	}{
		{`{"MessageId":"\"m-1\"","DeliveryCount":"4"}`, "m-1", 4},
		{`{"MessageId":"m-1","DeliveryCount":4}`, "m-1", 4},
		{`{"MessageId":"\"\\\"m-1\\\"\"","DeliveryCount":"\"4\""}`, "m-1", 4},
		{`{"MessageId":"\"42\"","DeliveryCount":"\"\\\"4\\\"\""}`, "42", 4},
		{`{"MessageId":"\"say \\\"hi\\\"\"","DeliveryCount":"1"}`, `say "hi"`, 1},
		{`{"MessageId":"\"open","DeliveryCount":"-1"}`, `"open`, 0},
		{`{"MessageId":null,"DeliveryCount":null}`, "", 0},
		{`{"MessageId":"","DeliveryCount":"99999999999999999999"}`, "", 0},
		{`{"DeliveryCount":{"a":1}}`, "", 0},
		{`{}`, "", 0},
		{`null`, "", 0},
	} {
		t.Run(tc.metadata, func(t *testing.T) {
			m := deliver(t, `""`, tc.metadata)
			require.Equal(t, tc.id, m.ID)
			require.Equal(t, tc.count, m.DeliveryCount)
		})
	}
	m := deliver(t, `""`, `{"EnqueuedTimeUtc":"2026-11-22T05:58:18","ApplicationProperties":{"tenant":"t1"},"SequenceNumber":"9007199254740993"}`)
	require.Equal(t, handler.Metadata{
		"EnqueuedTimeUtc":       "2026-11-22T05:58:18",
		"ApplicationProperties": `{"tenant":"t1"}`,
		"SequenceNumber":        "9007199254740993", // beyond float64
	}, m.Metadata)
}

// A sender may leave out every property, and a host may say nothing of them.
func TestMessageNeedsNoMetadata(t *testing.T) {
	for _, envelope := range []string{
		`{"Data":{"msg":"e30="}}`,
		`{"Data":{"msg":"e30="},"Metadata":null}`,
		`{"Data":{"msg":"e30="},"Metadata":{}}`,
		`{"Data":{"msg":"e30="},"Metadata":{"MessageId":null,"DeliveryCount":null,"ApplicationProperties":null,"ContentType":null}}`,
		`{"Data":{"msg":"e30="},"Metadata":{"MessageId":"\"\""}}`,
	} {
		var got *message
		h := handler.New(newConsole().Logger, handler.Options{},
			handler.ServiceBus("q", func(_ context.Context, m message) error { got = &m; return nil }))
		require.Equal(t, 200, ask(h, "POST", "/q", envelope).Code, envelope)
		require.NoError(t, got.Malformed)
		require.Equal(t, "{}", string(got.Raw))
		require.Empty(t, got.ID)
		require.Zero(t, got.DeliveryCount)
	}
}

func TestEnvelopeThatIsNoneFailsTheInvocation(t *testing.T) {
	asked := false
	h := handler.New(newConsole().Logger, handler.Options{},
		handler.ServiceBus("q", func(context.Context, message) error { asked = true; return nil }),
		handler.Timer("sweep", func(context.Context, handler.Tick) error { asked = true; return nil }))
	for _, path := range []string{"/q", "/sweep"} {
		for _, body := range []string{``, `null`, `{}`, `[]`, `{"Data":{}}`, `{"Data":{"a":"","b":""}}`, `{"Data":{"a":""}} x`, `{"Data":{"a":""},"Metadata":[]}`} {
			w := ask(h, "POST", path, body)
			require.Equal(t, 500, w.Code, "%s %s", path, body)
			require.Equal(t, complete, w.Body.String())
		}
	}
	require.Equal(t, 500, ask(h, "POST", "/sweep", `{"Data":{"t":"no timer"}}`).Code)
	require.False(t, asked)
	require.Equal(t, 200, ask(h, "POST", "/sweep", `{"Data":{"t":`+strings.Repeat(" ", 10)+`{}}}`).Code)
	require.True(t, asked)
}
