// Package openapi holds exchanges with Azure Resource Manager and Microsoft Graph
// against Microsoft's OpenAPI documents. It is for tests alone.
//
// The documents are not part of this module. They lie beside a checkout of it, in
// shared/specs, or are not there at all; then there is nothing to hold against, and
// the tests say so.
package openapi

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const (
	armDir    = "arm/specification/authorization/resource-manager/Microsoft.Authorization"
	graphFile = "graph/graph-v1.0-pim.json"
)

// armVersions are the api-versions in use, by the folder that describes them.
var armVersions = []string{"stable/2020-10-01", "stable/2022-04-01", "preview/2021-01-01-preview"}

// Documents are the OpenAPI documents of the calls that PIM needs. They are safe for
// concurrent use.
type Documents struct {
	operations []operation
	files      sync.Map // by path, what is in it: map[string]any
	chosen     sync.Map // by method, version and path, what was found: *operation
}

// Beside returns the documents beside the checkout that the running test belongs to,
// or false if there are none.
func Beside() (*Documents, bool) {
	d := beside()
	return d, d != nil
}

var beside = sync.OnceValue(func() *Documents {
	root, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(root) == root {
			return nil
		}
		root = filepath.Dir(root)
	}
	dir := filepath.Join(root, "..", "shared", "specs")
	if _, err := os.Stat(filepath.Join(dir, graphFile)); err != nil {
		return nil
	}
	d := &Documents{}
	for _, v := range armVersions {
		files, _ := filepath.Glob(filepath.Join(dir, armDir, v, "*.json"))
		for _, f := range files {
			d.add(f, filepath.Base(v))
		}
	}
	d.add(filepath.Join(dir, graphFile), "")
	return d
})

// document is the content of a file. A document that is there and cannot be read is
// a mistake of whoever put it there.
func (d *Documents) document(file string) map[string]any {
	if v, ok := d.files.Load(file); ok {
		return v.(map[string]any)
	}
	var v map[string]any
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		panic("openapi: " + err.Error())
	}
	d.files.Store(file, v)
	return v
}

// node is a part of a document, and the file that its references start from.
type node struct {
	file string
	part map[string]any
}

// at is the part of n under names, or false.
func (d *Documents) at(n node, names ...string) (node, bool) {
	for _, name := range names {
		next, ok := n.part[name].(map[string]any)
		if !ok {
			return node{}, false
		}
		n = d.resolve(node{n.file, next})
	}
	return n, true
}

// resolve follows references.
func (d *Documents) resolve(n node) node {
	for {
		ref, ok := n.part["$ref"].(string)
		if !ok {
			return n
		}
		other, pointer, _ := strings.Cut(ref, "#/")
		if other != "" {
			n.file = filepath.Join(filepath.Dir(n.file), other)
		}
		n.part = d.document(n.file)
		for _, name := range strings.Split(pointer, "/") {
			n.part, _ = n.part[name].(map[string]any)
		}
	}
}
