package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"

	"github.com/azurepim/azure-pim/pim"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

// checking is the flags of pim rules check.
type checking struct {
	request, as string
	mfa         bool
}

func (c *cli) rules() *cobra.Command {
	var k checking
	check := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check files of rules, and try requests on them",
		Long: `check reads rules as strictly as the app does, which does not start with rules
that hold a mistake. It lists every mistake with its line, and of rules without
one the number and the SHA-256 that decisions and the audit log name them by.

With --request it also tries requests on the rules, for the caller of --as.
Nothing is read from the tenant, so a rule that would allow a request if the
facts are right leaves it unproven: that counts as a yes here, since it is all
that rules alone can say. - is standard input.

It exits with 0 if there is no mistake and no request is refused, and with 3
if there is.`,
		Example: `  pim rules check rules.yaml

  # In the pipeline of the rules: what must stay possible, and what must not.
  pim rules check rules.yaml --as queue:pim-requests --request testdata/good.json
  ! pim rules check rules.yaml --as key --request testdata/bad.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: c.begin(func(ctx context.Context, files []string) error { return c.checkRules(ctx, k, files) }),
	}
	f := check.Flags()
	f.StringVar(&k.request, "request", "", "JSON file of requests to try")
	f.StringVar(&k.as, "as", "", "who asks: user:<object id>, app:<object id>, key, key:<name>, queue:<name>")
	f.BoolVar(&k.mfa, "mfa", false, "the user of --as proves a second factor")
	check.MarkFlagsRequiredTogether("request", "as")
	return c.group("rules", "Check the rules that say who may ask for what",
		"The rules say who may ask for what; docs/rules.md explains them.", check)
}

// checked is what is found in one file.
type checked struct {
	File     string    `json:"file"`
	Valid    bool      `json:"valid"`
	Hash     string    `json:"hash,omitempty"`
	Allow    int       `json:"allow"` // number of rules
	Deny     int       `json:"deny"`
	Mistakes []mistake `json:"mistakes,omitempty"`
	Requests []verdict `json:"requests,omitempty"`
}

// mistake is one of them and where it is. Line 0 is the whole file.
type mistake struct {
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

func (c *cli) checkRules(ctx context.Context, k checking, files []string) error {
	asked := batch{}
	var d *decider
	if k.request != "" {
		var err error
		if asked, err = (&asking{file: k.request}).read(c); err != nil {
			return err
		}
		if d, err = c.decider(ctx, signIn{}, k.as, k.mfa, true); err != nil {
			return err
		}
	}
	yes := true
	out := make([]checked, len(files))
	for i, file := range files {
		b, err := c.readFile(file)
		if err != nil {
			return err
		}
		rules, err := pim.ParseRules(b)
		out[i] = checked{File: file, Valid: err == nil, Hash: rules.Hash()}
		if err != nil {
			out[i].Mistakes, yes = placed(mistakes(err)), false
			continue
		}
		if out[i].Allow, out[i].Deny, err = count(b); err != nil {
			return fmt.Errorf("%s: %w", name(file), err)
		}
		for n, r := range asked.requests {
			decision, err := d.decide(ctx, rules, r)
			if err != nil {
				return err
			}
			out[i].Requests = append(out[i].Requests, verdict{Index: n, Decision: &decision})
			yes = yes && (decision.Allowed || open(decision))
		}
	}
	if err := c.print(out, func(p *page) { drawChecked(p, out, asked) }); err != nil {
		return err
	}
	if !yes {
		return errNo
	}
	return nil
}

func drawChecked(p *page, files []checked, asked batch) {
	for _, f := range files {
		for _, m := range f.Mistakes {
			// The form in which editors and pipelines find the place.
			if m.Line > 0 {
				p.line(fmt.Sprintf("%s:%d: %s", f.File, m.Line, m.Text))
			} else {
				p.line(f.File + ": " + m.Text)
			}
		}
	}
	p.row("FILE", "ALLOW", "DENY", "MISTAKES", "SHA-256")
	for _, f := range files {
		p.row(f.File, strconv.Itoa(f.Allow), strconv.Itoa(f.Deny), strconv.Itoa(len(f.Mistakes)), f.Hash)
	}
	for _, f := range files {
		for i, v := range f.Requests {
			p.line("")
			if len(files) > 1 {
				p.row("file", f.File)
			}
			v.draw(p, asked.requests[i])
		}
	}
}

// placed takes the lines out of what the parser says.
func placed(texts []string) []mistake {
	out := make([]mistake, len(texts))
	for i, text := range texts {
		out[i].Text = text
		if m := atLine.FindStringSubmatch(text); m != nil {
			out[i].Line, _ = strconv.Atoi(m[1]) // digits, as it matched
			out[i].Text = m[2]
		}
	}
	return out
}

var atLine = regexp.MustCompile(`^line (\d{1,7}): (.*)$`)

// count tells how many rules there are in a text that parses.
func count(b []byte) (allow, deny int, err error) {
	var doc struct {
		Rules []struct {
			Effect string `json:"effect" yaml:"effect"`
		} `json:"rules" yaml:"rules"`
	}
	// JSON may be indented with tabs, which YAML does not take.
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) && json.Valid(b) {
		err = json.Unmarshal(b, &doc)
	} else {
		err = yaml.Unmarshal(b, &doc)
	}
	for _, r := range doc.Rules {
		if r.Effect == "deny" {
			deny++
		} else {
			allow++
		}
	}
	return allow, deny, err
}
