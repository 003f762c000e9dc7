package devhost

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// reencodeQuery writes a raw query as the host forwards it: parsed, values of
// one name (in any case) joined by a comma at the first one's place, and
// escaped again.
func reencodeQuery(raw string) string {
	type parameter struct {
		name   string
		values []string
	}
	var order []*parameter
	known := map[string]*parameter{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescapeQuery(name), unescapeQuery(value)
		p := known[strings.ToLower(name)]
		if p == nil {
			p = &parameter{name: name}
			known[strings.ToLower(name)] = p
			order = append(order, p)
		}
		p.values = append(p.values, value)
	}
	pairs := make([]string, len(order))
	for i, p := range order {
		pairs[i] = escapeQuery(p.name) + "=" + escapeQuery(strings.Join(p.values, ","))
	}
	return strings.Join(pairs, "&")
}

// queryValue is a parameter's first value. Names are alike in any case, as in
// ASP.NET.
func queryValue(raw, name string) string {
	for pair := range strings.SplitSeq(raw, "&") {
		n, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(unescapeQuery(n), name) {
			return unescapeQuery(value)
		}
	}
	return ""
}

// unescapeQuery undoes what it can; a wrong escape stays as it is.
func unescapeQuery(text string) string {
	text = strings.ReplaceAll(text, "+", " ")
	var out strings.Builder
	for len(text) > 0 {
		run := 0 // length of the escapes that text begins with
		for run+3 <= len(text) && text[run] == '%' && isHex(text[run+1]) && isHex(text[run+2]) {
			run += 3
		}
		if run == 0 {
			out.WriteByte(text[0])
			text = text[1:]
			continue
		}
		if plain, err := url.PathUnescape(text[:run]); err == nil && utf8.ValidString(plain) {
			out.WriteString(plain)
		} else {
			out.WriteString(text[:run])
		}
		text = text[run:]
	}
	return out.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// escapeQuery escapes what .NET's UrlEncoder.Default does: all but letters,
// digits and the marks below (";" and "," among those it leaves).
func escapeQuery(text string) string {
	const plain = "!$()*,-.;@_~"
	var out strings.Builder
	for _, c := range []byte(text) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', strings.IndexByte(plain, c) >= 0:
			out.WriteByte(c)
		default:
			const digits = "0123456789ABCDEF"
			out.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return out.String()
}

// cleanPath takes "." and ".." out of a path, as the host's server does, and
// leaves it otherwise as the caller wrote it.
func cleanPath(path string) string {
	parts := strings.Split(path, "/")
	kept := parts[:0]
	for i, part := range parts {
		last := i == len(parts)-1
		switch strings.ReplaceAll(strings.ToLower(part), "%2e", ".") {
		case ".":
			if last {
				kept = append(kept, "")
			}
		case "..":
			if len(kept) > 1 {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "/")
}
