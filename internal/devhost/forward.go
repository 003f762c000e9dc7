package devhost

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

const (
	// hostVersion is the version of the recorded host.
	hostVersion = "4.1037.0.0"
	hostAgent   = "Azure-Functions-Host/" + hostVersion

	headerHostVersion  = "X-Azure-Functions-HostVersion"
	headerInvocationID = "X-Azure-Functions-InvocationId"

	// maxBody is the host's limit for a caller's body, 100 MB.
	maxBody = 104857600
	// maxRepeats is how often a dropped request without a body is sent again.
	maxRepeats = 3
)

var (
	errChunkedBody = errors.New("a chunked body cannot be forwarded")
	errBodyTooBig  = errors.New("the body is larger than 100 MB")
)

// forward hands the caller's request to the handler and its answer to the
// caller. Whatever goes wrong between, the caller gets an empty 500.
func (h *Host) forward(w http.ResponseWriter, r *http.Request, f function) {
	id := uuid.NewString()
	var answer *wireAnswer
	// Not r's context: the handler is not told when the caller leaves.
	err := h.invoke(h.ctx, f.name, id, "This function was programmatically called via the host APIs.", func(ctx context.Context) error {
		body, err := readBody(w, r)
		if err != nil {
			return err
		}
		request := forwardedRequest(r, body, id)
		for repeats := 0; ; repeats++ {
			answer, err = h.wire.do(ctx, request)
			if !errors.Is(err, errDropped) || len(body) > 0 || repeats == maxRepeats {
				return err
			}
		}
	})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	answer.write(w, r.Method)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	switch {
	case r.ContentLength > maxBody:
		w.Header().Set("Connection", "close")
		return nil, errBodyTooBig
	case r.ContentLength < 0:
		return nil, errChunkedBody
	}
	return io.ReadAll(r.Body)
}

// forwardedRequest is the caller's request as the host sends it on: nothing is
// taken out, not even the key; our headers come after the caller's own.
func forwardedRequest(r *http.Request, body []byte, id string) wireRequest {
	out := wireRequest{method: r.Method, body: body}
	path, query, _ := strings.Cut(r.RequestURI, "?")
	if out.target = cleanPath(path); reencodeQuery(query) != "" {
		out.target += "?" + reencodeQuery(query)
	}
	ours := [][2]string{{headerHostVersion, hostVersion}, {headerInvocationID, id}, {"User-Agent", hostAgent}}
	add := func(name, value string) { out.header = append(out.header, [2]string{name, value}) }
	add("Host", r.Host)
	for name, values := range r.Header {
		switch {
		case name == "Content-Length", strings.HasPrefix(name, "Content-") && len(body) == 0:
			continue // the host has no content to hang them on
		case name == "Connection":
			values = connectionOptions(values)
		}
		ours = slices.DeleteFunc(ours, func(our [2]string) bool {
			found := strings.EqualFold(name, our[0])
			if found {
				values = append(slices.Clone(values), our[1])
			}
			return found
		})
		add(name, strings.Join(values, separator(name)))
	}
	out.header = append(out.header, ours...)
	bodyless := slices.Contains([]string{"GET", "HEAD", "OPTIONS", "DELETE", "CONNECT"}, r.Method)
	if len(body) > 0 || !bodyless {
		add("Content-Length", strconv.Itoa(len(body)))
	}
	return out
}

// separator is what .NET's client joins the values of a repeated header with.
func separator(name string) string {
	switch name {
	case "User-Agent":
		return " "
	case "Cookie":
		return "; "
	}
	return ", "
}

// connectionOptions keeps "close" alone where the caller asked for it.
func connectionOptions(values []string) []string {
	for _, option := range strings.Split(strings.Join(values, ","), ",") {
		if strings.EqualFold(strings.TrimSpace(option), "close") {
			return []string{"close"}
		}
	}
	return values
}

// write passes the answer on as it is, Date and Connection included. It was
// buffered, so it has a length whatever the handler sent.
func (a *wireAnswer) write(w http.ResponseWriter, method string) {
	header := w.Header()
	header["Content-Type"] = nil // net/http must not guess one
	for name, values := range a.header {
		header[name] = values
	}
	switch {
	case method != http.MethodHead:
		header.Set("Content-Length", strconv.Itoa(len(a.body)))
	case a.length >= 0:
		header.Set("Content-Length", strconv.FormatInt(a.length, 10))
	}
	if a.status == http.StatusNoContent {
		header.Del("Content-Length")
	}
	w.WriteHeader(a.status)
	w.Write(a.body)
}
