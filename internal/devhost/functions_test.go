package devhost_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/devhost"
)

// found is hostDid of the recordings about which functions the host finds.
type found struct {
	CallerSaw            json.RawMessage
	CallerSawStatus      map[string]json.Number
	OtherFunctionAnswers json.Number
	HandlerStarted       *bool
	Log                  []logLine
}

// inError are the functions that the recorded host logged to be in error, and
// the last sentence of why.
func (f found) inError() map[string]string {
	reasons := map[string]string{}
	for _, line := range f.Log {
		name, reason, ok := strings.Cut(strings.TrimPrefix(line.Message, "The '"), "' function is in error: ")
		if ok {
			reasons[name] = reason
		}
	}
	return reasons
}

func TestFoldersAreReadAsRecorded(t *testing.T) {
	t.Parallel()
	r := load(t, "function-folder-oddities")
	r.HandlerAnswer = answers{{Status: 200}}
	a := newApp(t, r)
	good := string(r.FunctionJSON)
	with := func(member string) string { return strings.Replace(good, "{", "{"+member+",", 1) }
	for path, text := range map[string]string{
		"broken/function.json":     `{"bindings": `,
		"bad.name/function.json":   good,
		"deep/inner/function.json": good,
		"two/function.json":        good, "two/a.txt": "", "two/b.sh": "",
		"one/function.json": good, "one/a.txt": "",
		"off/function.json":        with(`"disabled": true`),
		"exc/function.json":        with(`"excluded": true`),
		"withscript/function.json": with(`"scriptFile": "nosuchfile"`),
		"9lives/function.json":     good,
	} {
		a.write(path, text)
	}
	a.start()
	var want found
	require.NoError(t, json.Unmarshal(r.HostDid, &want))
	for name, status := range want.CallerSawStatus {
		require.Equal(t, status.String(), a.get("/api/"+name).status(), name)
	}
	for name, reason := range want.inError() {
		line := a.logs.await(t, "The '"+name+"' function is in error: ")
		if name != "broken" { // each JSON parser has its own words
			require.Equal(t, "The '"+name+"' function is in error: "+reason, line.Message)
		}
	}
}

func TestUnknownBindingsTakeDownThatFunctionAlone(t *testing.T) {
	for _, name := range named(t, "function-with-unknown-") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := load(t, name)
			r.HandlerAnswer = answers{{Status: 200}}
			var want found
			require.NoError(t, json.Unmarshal(r.HostDid, &want))
			if want.HandlerStarted != nil {
				r.FunctionJSON = json.RawMessage(`{"odd":` + string(r.FunctionJSON) + `}`)
			}
			a := newApp(t, r)
			host := a.start()
			for odd, reason := range want.inError() {
				require.Equal(t, "The '"+odd+"' function is in error: "+reason, a.logs.await(t, odd).Message)
			}
			require.Equal(t, "404", a.get("/api/odd").status())
			if want.HandlerStarted != nil {
				require.Equal(t, *want.HandlerStarted, host.PID() != 0)
				require.Empty(t, a.events("start"))
				require.ErrorContains(t, host.Ready(t.Context()), "no function could be loaded")
				return
			}
			require.Equal(t, "200", a.get("/api/ok").status())
		})
	}
}

func TestHostWithoutCustomHandlerAnswers503(t *testing.T) {
	t.Parallel()
	r := load(t, "hostjson-without-customhandler")
	a := newApp(t, r)
	host := a.start()
	var did struct{ CallerSaw *message }
	require.NoError(t, json.Unmarshal(r.HostDid, &did))
	requireSame(t, did.CallerSaw, a.get("/api/ok"))
	require.ErrorContains(t, host.Err(), "no customHandler")
	require.Zero(t, host.PID())
}

func TestMistakesInHostJSONAnswer503(t *testing.T) {
	r := load(t, "handler-start")
	for name, text := range map[string]string{
		"no file":             "",
		"no JSON":             "{",
		"no object":           "[]",
		"version 1":           `{"version":"1.0","customHandler":{"description":{}}}`,
		"no version":          `{"customHandler":{"description":{}}}`,
		"time-out no span":    `{"version":"2.0","customHandler":{"description":{}},"functionTimeout":"soon"}`,
		"concurrency of none": `{"version":"2.0","customHandler":{"description":{}},"extensions":{"serviceBus":{"maxConcurrentCalls":0}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, r)
			a.write("host.json", text)
			if text == "" {
				require.NoError(t, os.Remove(a.root+"/host.json"))
			}
			host := a.start()
			saw := a.get("/api/ok")
			require.Equal(t, "503", saw.status())
			require.Equal(t, "Function host is not running.", saw.Body)
			require.Error(t, host.Err())
		})
	}
}

func TestSettingsOverrideHostJSON(t *testing.T) {
	t.Parallel()
	r := load(t, "http-route-prefix-v1")
	r.HandlerAnswer = answers{{Status: 200}}
	a := newApp(t, r)
	a.cfg.Settings["azurefunctionsjobhost__extensions__http__routePrefix"] = "v2"
	a.start()
	require.Equal(t, "404", a.get("/v1/noroute").status())
	require.Equal(t, "200", a.get("/v2/noroute").status())
}

func TestFunctionsAreDisabledBySettingsAlone(t *testing.T) {
	for _, setting := range []string{"AzureWebJobs.ok.Disabled", "AzureWebJobs_ok_Disabled"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			r := load(t, "handler-start")
			a := newApp(t, r)
			a.cfg.Settings[setting] = "true"
			a.start()
			a.logs.await(t, "Function 'Functions.ok' is disabled")
			require.Equal(t, "404", a.get("/api/ok").status())
		})
	}
}

// What the real host could run and this one cannot must not look as if it ran.
func TestWhatDevhostLacksPutsTheFunctionInError(t *testing.T) {
	t.Parallel()
	const http = `{"bindings":[{"type":"httpTrigger","name":"req"},{"type":"http","direction":"out","name":"res"}`
	const queue = `{"bindings":[{"type":"serviceBusTrigger","name":"msg"`
	for name, c := range map[string]struct{ text, want string }{
		"retry":    {`{"retry":{},"bindings":[{"type":"timerTrigger","name":"t","schedule":"1:00"}]}`, "no retry policies"},
		"outputs":  {http + `,{"type":"http","direction":"out","name":"two"}]}`, "only forwards HTTP"},
		"topic":    {queue + `,"topicName":"t","subscriptionName":"s"}]}`, "no topics"},
		"sessions": {queue + `,"queueName":"q","isSessionsEnabled":true}]}`, "no sessions"},
		"batch":    {queue + `,"queueName":"q","cardinality":"many"}]}`, "one message at a time"},
		"level":    {strings.Replace(http, `"req"`, `"req","authLevel":"system"`, 1) + `]}`, "authLevel"},
		"reserved": {strings.Replace(http, `"req"`, `"req","route":"{*"`, 1) + `]}`, "segment"},
		"nothing":  {`{"bindings":[]}`, "No trigger binding specified"},
		"twice":    {`{"bindings":[{"type":"timerTrigger","name":"a"},{"type":"timerTrigger","name":"b"}]}`, "Multiple trigger bindings"},
		"unnamed":  {`{"bindings":[{"type":"timerTrigger","schedule":"1:00"}]}`, "A valid name must be assigned"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := load(t, "handler-start")
			r.HostSettings.HostJSON = withBundle(r.HostSettings.HostJSON)
			r.FunctionJSON = json.RawMessage(`{"x":` + c.text + `}`)
			a := newApp(t, r)
			a.start()
			require.Contains(t, a.logs.await(t, "The 'x' function is in error: ").Message, c.want)
		})
	}
}

// withBundle adds the extension bundle, without which Azure has no Service
// Bus. The recording host had the extension compiled in.
func withBundle(host json.RawMessage) json.RawMessage {
	return json.RawMessage(strings.Replace(string(host), "{", `{"extensionBundle":{"id":"Microsoft.Azure.Functions.ExtensionBundle","version":"[4.*, 5.0.0)"},`, 1))
}

func TestServiceBusNeedsTheExtensionBundle(t *testing.T) {
	t.Parallel()
	r := load(t, "servicebus-connection-setting-missing")
	r.HandlerAnswer = answers{{Status: 200}}
	a := newApp(t, r)
	a.start()
	a.logs.await(t, "The 'change' function is in error: The binding type(s) 'serviceBusTrigger' are not registered.")
	require.Equal(t, "200", a.get("/api/ok").status())
}

func TestStartFailsWhereItCannotListen(t *testing.T) {
	a := newApp(t, load(t, "handler-start"))
	first := a.start()
	a.cfg.Addr = strings.TrimPrefix(first.URL(), "http://")
	_, err := devhost.Start(t.Context(), a.cfg)
	require.ErrorContains(t, err, "devhost: listen tcp")
}

func TestSettingsAreReadFromALocalSettingsFile(t *testing.T) {
	a := newApp(t, load(t, "handler-start"))
	a.write("local.settings.json", `{"IsEncrypted":false,"Values":{"A":"1"}}`)
	settings, err := devhost.LoadSettings(a.root + "/local.settings.json")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"A": "1"}, settings)
	a.write("local.settings.json", `{"IsEncrypted":true,"Values":{"A":"x"}}`)
	_, err = devhost.LoadSettings(a.root + "/local.settings.json")
	require.ErrorContains(t, err, "encrypted")
}
