package devhost

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// binding is one entry of function.json's bindings. Settings are resolved in
// it where the host resolves them: in schedule and queueName.
type binding struct {
	Type, Direction, Name string

	AuthLevel string
	Methods   []string
	Route     *string // nil: the function's name

	Schedule     string
	RunOnStartup bool
	UseMonitor   *bool // nil: true, unless the schedule is oftener than once a minute

	QueueName, TopicName string
	Connection           string
	DataType             string
	Cardinality          string
	IsSessionsEnabled    bool
}

func (b binding) is(kind string) bool { return strings.EqualFold(b.Type, kind) }

// function is one function that the host has loaded.
type function struct {
	name     string
	trigger  binding
	disabled bool

	route    *route    // of an httpTrigger
	level    authLevel // of an httpTrigger
	schedule schedule  // of a timerTrigger
}

var (
	functionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,127}$`)
	bindingName  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9]{0,127}|\$return)$`)
)

// loadFunctions reads every <root>/<name>/function.json, one level deep. A
// function in error is left out and takes no other with it.
func loadFunctions(root string, host hostJSON, set settings) (loaded []function, broken map[string]error, err error) {
	folders, err := os.ReadDir(root)
	if err != nil {
		return nil, nil, err
	}
	broken = map[string]error{}
	for _, folder := range folders {
		text, err := os.ReadFile(filepath.Join(root, folder.Name(), "function.json"))
		if errors.Is(err, os.ErrNotExist) || !folder.IsDir() {
			continue
		}
		if err == nil {
			var f function
			if f, err = parseFunction(filepath.Join(root, folder.Name()), text, host, set); err == nil {
				loaded = append(loaded, f)
				continue
			}
		}
		broken[folder.Name()] = err
	}
	// The host tries routes in this order, whatever their templates say:
	// a function "change" with changes/{id} hides a later "list" with changes/all.
	// .NET's OrdinalIgnoreCase compares upper case, where "_" follows the letters.
	slices.SortFunc(loaded, func(a, b function) int {
		return strings.Compare(strings.ToUpper(a.name), strings.ToUpper(b.name))
	})
	return loaded, broken, nil
}

func parseFunction(folder string, text []byte, host hostJSON, set settings) (function, error) {
	f := function{name: filepath.Base(folder)}
	if !functionName.MatchString(f.name) || strings.EqualFold(f.name, "host") {
		return f, hostSays("'" + f.name + "' is not a valid function name.")
	}
	var file struct {
		Bindings   []binding
		ScriptFile string
		Retry      json.RawMessage
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return f, err
	}
	if file.ScriptFile != "" {
		if _, err := os.Stat(filepath.Join(folder, file.ScriptFile)); err != nil {
			return f, errMissingScript
		}
	}
	if file.Retry != nil {
		return f, errRetryPolicy
	}
	f.disabled = set.truth("AzureWebJobs."+f.name+".Disabled") || set.truth("AzureWebJobs_"+f.name+"_Disabled")

	var unknown []string
	var triggers []binding
	for _, b := range file.Bindings {
		if !bindingName.MatchString(b.Name) {
			return f, errBindingName
		}
		if !registered(b, host) {
			unknown = append(unknown, "'"+b.Type+"'")
		}
		if strings.HasSuffix(strings.ToLower(b.Type), "trigger") {
			triggers = append(triggers, b)
		}
	}
	switch {
	case unknown != nil:
		return f, hostSays("The binding type(s) " + strings.Join(unknown, ", ") + " are not registered. Please ensure the type is correct and the binding extension is installed.")
	case len(triggers) == 0:
		return f, errNoTrigger
	case len(triggers) > 1:
		return f, errManyTriggers
	}
	f.trigger = triggers[0]
	return f, f.index(file.Bindings, host, set)
}

// registered reports whether the host has an extension for the binding. HTTP
// and timers are part of it; Service Bus comes with the extension bundle.
func registered(b binding, host hostJSON) bool {
	switch strings.ToLower(b.Type) {
	case "httptrigger", "http", "timertrigger":
		return true
	case "servicebustrigger":
		return host["extensionbundle:id"] == "Microsoft.Azure.Functions.ExtensionBundle" && host["extensionbundle:version"] != ""
	}
	return false
}
