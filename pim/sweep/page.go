package sweep

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

// page is the human report. It needs nothing from anywhere else, so that it can be
// kept, printed and sent on.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"day":  day,
	"ends": ends,
	"date": func(t *time.Time) string {
		if t == nil {
			return "unknown"
		}
		return t.UTC().Format("2 Jan 2006")
	},
	"path":   path,
	"number": func(n int) template.HTML { return grouped(n) },
}).Parse(pageText))

// WriteHTML writes a plan and its fate as one page.
func WriteHTML(w io.Writer, st Status) error { return page.Execute(w, newView(st)) }

// grouped parts thousands by a narrow space that does not break.
func grouped(n int) template.HTML {
	const space = "\u202f"
	if n < 1000 {
		return template.HTML(digits(n, 1))
	}
	return grouped(n/1000) + template.HTML(space+digits(n%1000, 3))
}

func digits(n, width int) string {
	s := ""
	for ; n > 0 || len(s) < width; n /= 10 {
		s = string(rune('0'+n%10)) + s
	}
	return s
}

// path is a scope that may be broken behind each of its slashes.
func path(scope string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(scope), "/", "/<wbr>"))
}
