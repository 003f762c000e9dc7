package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// asked runs pim plan against an app that answers as told.
func asked(t *testing.T, status int, answer string) (code int, out, errs string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return typed(t, map[string]string{"PIM_APP_URL": server.URL, "PIM_FUNCTION_KEY": functionKey},
		"plan", "--action", "grant", "--role", "Reader", "--scope", "/", "--principal", ada)
}

// typed runs one command line within the test.
func typed(t *testing.T, environment map[string]string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := cli{in: strings.NewReader(""), out: &stdout, err: &stderr, getenv: func(name string) string { return environment[name] }}
	code = c.run(context.Background(), args)
	return code, stdout.String(), stderr.String()
}

func TestAnswersOfOthersCannotDriveTheTerminal(t *testing.T) {
	code, out, _ := asked(t, http.StatusOK, `{"allowed":false,"at":"2026-11-22T08:00:00Z","rule":"\u001b[2Jallowed",`+
		`"reasons":[{"code":"noMatch","rule":"a\nallowed\tgrant","detail":"\u202edewolla"}]}`)
	require.Equal(t, exitNo, code)
	require.NotContains(t, out, "\x1b")
	require.NotContains(t, out, "\u202e")
	require.NotContains(t, out, "\nallowed", "no line is forged")

	code, out, errs := asked(t, http.StatusForbidden, `{"code":"refused","detail":"no\n\u001b[31mpim: yes"}`)
	require.Equal(t, exitError, code)
	require.Empty(t, out)
	require.Equal(t, "pim: the app says: no �[31mpim: yes\n", errs)
}

func TestWhatIsNoDecisionIsNoAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		answer string
		says   string
	}{
		"sign-in page":    {http.StatusOK, "<html>", "is --app the address of azure-pim?"},
		"other app":       {http.StatusOK, "{}", "is --app the address of azure-pim?"},
		"nothing":         {http.StatusOK, "", "is --app the address of azure-pim?"},
		"no such app":     {http.StatusNotFound, "", "the app has no such function"},
		"starting":        {http.StatusServiceUnavailable, "Function host is not running.", "try again in a minute"},
		"fault of theirs": {http.StatusInternalServerError, `{"code":"internal","title":"Something went wrong here","trace":"11111111"}`, "something went wrong here; look for 11111111 in the app's log"},
	} {
		code, out, errs := asked(t, c.status, c.answer)
		require.Equal(t, exitError, code, name)
		require.Empty(t, out, name)
		require.Contains(t, errs, c.says, name)
		require.Equal(t, 1, strings.Count(errs, "\n"), "%s: one line", name)
	}
}

func TestAnswerToManyMustAnswerAll(t *testing.T) {
	for name, answer := range map[string]string{
		"too few":  `{"value":[{"index":0,"decision":{"allowed":true,"at":"2026-11-22T08:00:00Z"}}]}`,
		"too bare": `{"value":[{"index":0,"decision":{"allowed":true,"at":"2026-11-22T08:00:00Z"}},{"index":1}]}`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
		t.Cleanup(server.Close)
		var out, errs bytes.Buffer
		one := `{"action":"grant","scope":"/","role":"Reader","principalId":"` + ada + `"}`
		c := cli{in: strings.NewReader("[" + one + "," + one + "]"), out: &out, err: &errs, getenv: func(string) string { return "" }}
		require.Equal(t, exitError, c.run(t.Context(), []string{"plan", "--file", "-", "--app", server.URL, "--key", functionKey}), name)
		require.Empty(t, out.String(), name)
	}
}

func TestKeyIsNeverPrinted(t *testing.T) {
	for name, c := range map[string]struct {
		environment map[string]string
		args        []string
	}{
		"nobody there":      {args: []string{"--app", "http://127.0.0.1:1"}},
		"broken address":    {args: []string{"--app", "https://x/%zz?code=" + functionKey}},
		"key in a user":     {args: []string{"--app", "https://" + functionKey + "@x"}},
		"key with a line":   {environment: map[string]string{"PIM_FUNCTION_KEY": functionKey + "\n2"}, args: []string{"--app", "http://127.0.0.1:1"}},
		"help":              {args: []string{"--help"}},
		"key as a way":      {args: []string{"--app", "https://x", "--audience", "api://x", "--auth", "cli"}},
		"key after mistake": {args: []string{"--nonsense"}},
	} {
		env := map[string]string{"PIM_FUNCTION_KEY": functionKey}
		for k, v := range c.environment {
			env[k] = v
		}
		args := append([]string{"plan", "--key", functionKey + "2", "--action", "grant", "--role", "Reader", "--scope", "/", "--principal", ada}, c.args...)
		if c.environment != nil {
			args = append([]string{"plan"}, args[3:]...)
		}
		_, out, errs := typed(t, env, args...)
		require.NotContains(t, out+errs, functionKey, name)
		require.NotEmpty(t, out+errs, name)
	}
}

func TestYAMLKeepsTextAsTextAndKeysInOrder(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, asYAML(&out, []byte(`{"b":"yes","a":"0123","n":3,"t":true,"s":"a: b","l":[],"m":{"x":"2026-11-22"}}`)))
	require.YAMLEq(t, `{"b":"yes","a":"0123","n":3,"t":true,"s":"a: b","l":[],"m":{"x":"2026-11-22"}}`, out.String())
	require.True(t, strings.HasPrefix(out.String(), "b: yes\na: \"0123\"\n"), out.String())
}
