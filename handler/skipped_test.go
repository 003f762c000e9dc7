package handler_test

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// skipped are the recordings that are not in testdata, and so not replayed.
var skipped = []struct {
	names string // as for path.Match
	asked bool   // there is a request to a handler in them
	why   string
}{
	{"http-envelope-*", true, "our HTTP functions are forwarded, so that no envelope of HTTP reaches us"},
	{"http-forwarded-answer-headers-64k", true, "for us as headers-30k, which is replayed; that the host refuses it is its own doing"},
	{"output-*", false, "our functions have no output bindings"},
	{"handler-*", false, "how the host starts a process and takes its end: the stand-in for the host is held to it"},
	{"host-sigterm-*", false, "how the host ends: the stand-in is held to it"},
	{"hostjson-*", false, "what the host does without us"},
	{"extension-bundle-*", false, "what the host does without us"},
	{"function-*", false, "which functions the host loads"},
	{"http-caller-goes-away", false, "nothing of it reaches the handler"},
	{"http-function-timeout", false, "a kill, which a handler cannot answer"},
	{"http-forwarded-body-30mb", false, "the body itself was not kept"},
	{"http-forwarded-body-over-100mb-declared", false, "the host answered"},
	{"http-forwarded-*-not-listed", false, "the host answered"},
	{"http-forwarded-post-chunked*", false, "the host answered"},
	{"http-forwarded-post-*-key", false, "the host answered"},
	{"servicebus-amqp-*", false, "the host could not bind the body"},
	{"servicebus-batch-mixed", false, "the host could not bind the bodies"},
	{"servicebus-datatype-stream", false, "the host could not bind the body"},
	{"servicebus-connection-setting-missing", false, "no message came"},
	{"servicebus-queue-missing", false, "no message came"},
	{"servicebus-concurrency", false, "the requests were counted, not kept"},
	{"servicebus-sigterm-while-hanging", false, "the request was not kept"},
	{"timer-two-instances", false, "the requests were counted, not kept"},
	{"timer-without-storage-monitored", false, "the timer never fired"},
}

// Where all the recordings are kept beside this module, each is replayed or left
// out for a reason.
func TestEveryRecordingIsReplayedOrSkippedForAReason(t *testing.T) {
	files, err := filepath.Glob("../../*/fixtures/host/*.json")
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("the recordings that are not in testdata are not here")
	}
	used := map[string]bool{}
	for _, file := range files {
		copied := filepath.Join("testdata", "host", filepath.Base(file))
		if _, err := os.Stat(copied); err == nil {
			original, err := os.ReadFile(file)
			require.NoError(t, err)
			ours, err := os.ReadFile(copied)
			require.NoError(t, err)
			require.Equal(t, string(original), string(ours), copied)
			continue
		}
		rec, why := readRecording(t, file), ""
		for _, s := range skipped {
			if ok, err := path.Match(s.names, rec.name); ok {
				require.NoError(t, err)
				require.Equal(t, s.asked, s.asked || len(rec.Requests)+len(rec.Probes) > 0, "%s: %s", rec.name, s.why)
				used[s.names], why = true, s.why
			}
		}
		require.NotEmpty(t, why, "%s is neither in testdata nor skipped for a reason", rec.name)
	}
	for _, s := range skipped {
		require.True(t, used[s.names], "no recording is skipped as %s", s.names)
	}
}

// What is in testdata is read by a test of its kind, or by its name.
func TestNoCopiedRecordingIsOverlooked(t *testing.T) {
	sources, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var text strings.Builder
	for _, source := range sources {
		b, err := os.ReadFile(source)
		require.NoError(t, err)
		text.Write(b)
	}
	for _, rec := range recordings(t, "*") {
		kind, _, _ := strings.Cut(rec.name, "-")
		replayed := len(rec.Requests) > 0 && strings.Contains("servicebus timer answer http", kind)
		require.True(t, replayed || strings.Contains(text.String(), `"`+rec.name+`"`), rec.name)
	}
}
