package ledger

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/azurepim/azure-pim/pim"
)

const (
	// maxPart is the most bytes in one property. A string property takes 64 KiB of
	// UTF-16, 32,768 characters of ASCII.
	maxPart = 32000
	// timeForm has one width, so that times compare as the strings they are. An
	// Edm.DateTime would drop the last two digits and begin in 1601.
	timeForm = "2006-01-02T15:04:05.000000000Z"
)

// newEntity is c as a table entity: what is asked for in filters as properties of
// their own, and all of it as JSON in the properties Change0, Change1 and so on.
// Write is another one for each call of Save, so that a write whose answer was lost
// is known again.
func newEntity(c pim.Change, write string) ([]byte, error) {
	b, err := encode(c)
	if err != nil {
		return nil, err
	}
	e := map[string]any{
		"PartitionKey": c.ID(),
		"RowKey":       c.ID(), // a change is alone in its partition
		"State":        string(c.State),
		"Principal":    c.Request.Principal,
		"Updated":      c.Updated.UTC().Format(timeForm),
		"Unsent":       len(c.Outbox) > 0,
		"Write":        write,
	}
	if ends := c.Ends(); !ends.IsZero() {
		e["Ends"] = ends.UTC().Format(timeForm)
	}
	i := 0
	for part := range slices.Chunk(b, maxPart) {
		e["Change"+strconv.Itoa(i)] = string(part)
		i++
	}
	return json.Marshal(e)
}

// entity is what the service answers.
type entity map[string]any

func readEntity(b []byte) (entity, error) {
	var e entity
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, &pim.Error{Code: pim.CodeInternal, Detail: "the ledger's answer cannot be read", Err: err}
	}
	return e, nil
}

func (e entity) text(name string) string {
	s, _ := e[name].(string)
	return s
}

// change joins the parts. A part that is missing leaves no JSON, and so an error.
func (e entity) change(version azcore.ETag) (pim.Change, error) {
	var b strings.Builder
	for i := 0; ; i++ {
		part, ok := e["Change"+strconv.Itoa(i)].(string)
		if !ok {
			return decode(e.text("PartitionKey"), []byte(b.String()), string(version))
		}
		b.WriteString(part)
	}
}

// maxStates bounds the comparisons of a query: the service takes fifteen, and five
// are not about states.
const maxStates = 10

// query is f as the service reads it. It may let more through than f does, never
// less: what it yields is matched once more.
func query(f pim.Filter) string {
	var and []string
	if after := idPrefix(f.After); after != "" {
		and = append(and, "PartitionKey gt "+quote(after))
	}
	if n := len(f.States); n > 0 && n <= maxStates {
		or := make([]string, n)
		for i, s := range f.States {
			or[i] = "State eq " + quote(string(s))
		}
		and = append(and, "("+strings.Join(or, " or ")+")")
	}
	if f.Principal != "" {
		and = append(and, "Principal eq "+quote(f.Principal))
	}
	if !f.Idle.IsZero() {
		and = append(and, "Updated lt "+quote(f.Idle.UTC().Format(timeForm)))
	}
	if f.Unsent {
		and = append(and, "Unsent eq true")
	}
	if !f.Ends.IsZero() {
		and = append(and, "Ends lt "+quote(f.Ends.UTC().Format(timeForm)))
	}
	return strings.Join(and, " and ")
}

// quote is s as a string of an OData filter.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
