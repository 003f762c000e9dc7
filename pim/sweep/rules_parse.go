package sweep

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/azurepim/azure-pim/pim"
)

// maxRules bounds the text of the rules, in bytes.
const maxRules = 1 << 20

// file is the rules as they are written down. docs/sweep.schema.json says the same.
type file struct {
	Version int     `yaml:"version" json:"version"`
	Mode    Mode    `yaml:"mode" json:"mode"`
	Watch   []place `yaml:"watch" json:"watch"`
	Roles   []string
	Protect struct{ Principals, Roles []string }
	Caps    struct{ Run, Scope *fileLimit }
	Control string
	Emptied []place
	PlanAge string   `yaml:"planAge"`
	Restore string   `yaml:"restoreFor"`
	Rules   fileRule `yaml:"rules"`
}

type place struct{ Plane, Scope string }

type fileLimit struct {
	Removals *int
	Percent  *float64
}

type fileRule struct {
	Overdue, Deleted, Disabled *struct{ Mode Mode }
	Permanent                  *struct {
		Mode         Mode
		Kinds, Types []string
	}
	Overlong *struct {
		Mode                    Mode
		Types                   []string
		Assignment, Eligibility string
	}
	Unused, Pending *struct {
		Mode  Mode
		After string
	}
	Expiring *struct {
		Mode   Mode
		Within string
	}
}

// ParseRules reads sweep rules from YAML or JSON. It takes nothing that it does not
// understand. Its error has CodeInvalid and lists every mistake.
func ParseRules(b []byte) (*Rules, error) {
	f, err := decode(b)
	var r *Rules
	if err == nil {
		r, err = f.rules()
	}
	if err != nil {
		return nil, &pim.Error{Op: "sweep.ParseRules", Code: pim.CodeInvalid, Field: "sweep rules", Err: err}
	}
	return r, nil
}

func decode(b []byte) (file, error) {
	if len(b) > maxRules {
		return file{}, fmt.Errorf("the rules are longer than %d bytes", maxRules)
	}
	var tree yaml.Node
	if err := yaml.Unmarshal(b, &tree); err != nil {
		return file{}, err
	}
	if err := whole(&tree); err != nil {
		return file{}, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	var f file
	switch err := dec.Decode(&f); {
	case errors.Is(err, io.EOF):
		return f, errors.New("the rules are empty: write at least version: 1")
	case err != nil:
		return f, err
	}
	if err := dec.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return f, errors.New("the rules are more than one document")
	}
	return f, nil
}

// whole refuses keys without a value, which would read as keys that are not there,
// and aliases: a rule is read where it stands.
func whole(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return fmt.Errorf("line %d: anchors and aliases are not taken", n.Line)
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return fmt.Errorf("line %d: the value is empty: write one, or leave the key out", n.Line)
	}
	for _, c := range n.Content {
		if err := whole(c); err != nil {
			return err
		}
	}
	return nil
}

// reader gathers what is wrong.
type reader struct{ errs []error }

func (p *reader) fail(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}

func (f file) rules() (*Rules, error) {
	var p reader
	if f.Version != 1 {
		p.fail("version is %d: this program reads version 1", f.Version)
	}
	r := &Rules{
		mode: p.mode("mode", f.Mode, Report, Report, Apply), watch: p.scopes("watch", f.Watch), roles: p.roles("roles", f.Roles),
		protect: protection{principals: p.ids("protect.principals", f.Protect.Principals), roles: p.roles("protect.roles", f.Protect.Roles)},
		caps:    caps{run: p.limit("caps.run", f.Caps.Run, limit{20, 5}), scope: p.limit("caps.scope", f.Caps.Scope, limit{5, 10})},
		planAge: p.length("planAge", f.PlanAge, defaultPlanAge), restoreFor: p.length("restoreFor", f.Restore, defaultRestore),
		emptied: map[string]bool{}, modes: map[Rule]Mode{},
	}
	if f.Control != "" {
		r.control = append(p.ids("control", []string{f.Control}), "")[0]
	}
	for _, s := range p.scopes("emptied", f.Emptied) {
		r.emptied[key(s)] = true
	}
	p.each(r, f.Rules)
	sum, err := json.Marshal(f)
	if err = errors.Join(append(p.errs, err)...); err != nil {
		return nil, err
	}
	h := sha256.Sum256(sum)
	r.hash = hex.EncodeToString(h[:])
	return r, nil
}
