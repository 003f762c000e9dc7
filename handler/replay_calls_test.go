package handler_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

func TestRecordedPathSpellingsAreAllRouted(t *testing.T) {
	for name, table := range map[string]func(*app) []handler.Function{
		"http-forwarded-query-and-path-spellings": (*app).table,
		"http-route-prefix-v1": func(a *app) []handler.Function {
			return []handler.Function{a.http("changes", "/v1/changes/{id}"), a.http("noroute", "/v1/noroute"), a.http("opt", "/v1/opt/{a...}")}
		},
	} {
		var a app
		addr := start(t, newConsole().Logger, handler.New(newConsole().Logger, handler.Options{}, table(&a)...))
		calls := recordings(t, name)[0].Calls
		require.NotEmpty(t, calls)
		for _, c := range calls {
			if c.HandlerSawPath == "" {
				continue // the host answered it
			}
			a = app{}
			resp := replay(t, addr, recordedRequest{Method: "GET", Path: c.HandlerSawPath, Headers: [][2]string{{"Host", "h"}}})
			require.Equal(t, http.StatusOK, resp.StatusCode, c.HandlerSawPath)
			path, query, _ := strings.Cut(c.HandlerSawPath, "?")
			require.Equal(t, strings.ToLower(strings.Split(path, "/")[2]), a.function)
			require.Equal(t, query, a.request.URL.RawQuery)
		}
	}
}

// The host takes no key out, not even the master key.
func TestRecordedKeysAreHiddenFromTheirFunctions(t *testing.T) {
	var a app
	console := newConsole()
	addr := start(t, console.Logger, handler.New(console.Logger, handler.Options{},
		a.http("adm", "/api/adm"), a.http("fn", "/api/fn"), a.http("anon", "/api/anon")))
	reached := 0
	for _, c := range recordings(t, "http-auth-levels")[0].Calls {
		if !c.KeyReachesHandler {
			continue
		}
		reached++
		a = app{}
		resp := replay(t, addr, recordedRequest{Method: "GET", Path: "/api/" + c.Function, Headers: [][2]string{{"Host", "h"}, {"x-functions-key", *c.Key}}})
		require.Equal(t, http.StatusOK, resp.StatusCode)
		require.Equal(t, c.Function, a.function)
		require.Empty(t, a.request.Header.Values("x-functions-key"))
		sum := sha256.Sum256([]byte(*c.Key))
		require.Equal(t, hex.EncodeToString(sum[:]), a.request.Header.Get(handler.KeySHA256))
	}
	require.NotZero(t, reached)
}

// The answer to it is all by which the host knows that we are there.
func TestRecordedProbeIsAnsweredBeforeAndAfterTheFunctionsAreReady(t *testing.T) {
	probes := recordings(t, "handler-start")[0].Probes
	require.NotEmpty(t, probes)
	for name, setup := range map[string]func(context.Context) (http.Handler, error){
		"before": never,
		"after":  ready(handler.New(newConsole().Logger, handler.Options{})),
	} {
		addr := startSetup(t, newConsole().Logger, setup)
		for _, probe := range probes {
			resp := replay(t, addr, probe)
			require.Equal(t, http.StatusOK, resp.StatusCode, name)
			require.NotEmpty(t, readAll(t, resp.Body))
		}
	}
}

// The host repeats what has no body and was dropped, under the same id.
func TestRecordedRepeatsAreOneInvocation(t *testing.T) {
	var a app
	addr := start(t, newConsole().Logger, handler.New(newConsole().Logger, handler.Options{}, a.table()...))
	ids := map[string]int{}
	for _, r := range recordings(t, "http-forwarded-answer-dropped-before")[0].Requests {
		replay(t, addr, r)
		ids[a.id]++
	}
	require.Len(t, ids, 1)
	require.GreaterOrEqual(t, ids[a.id], 3)
}
