# azure-pim. Everything that a target needs beyond Go (and Node for Azurite) it
# installs itself, in .tools/.

APP     := dist/app
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo development)
LDFLAGS := -s -w -X main.version=$(VERSION)
AZURITE := .tools/azurite/node_modules/.bin/azurite
GOTEST  := go test -count=1 -timeout 15m

.PHONY: run test race lint lint-infra stage smoke package pim bench fuzz soak flood clean

# run builds the app as it is deployed, for this machine, and starts the local
# stand-in for Azure: a simulated tenant, a Service Bus and a Functions host.
run: stage
	go run ./cmd/devhost --root $(APP)

# The tests of whole processes run alone: they are many, and wait for one another.
test: $(AZURITE)
	$(GOTEST) $$(go list ./... | grep -v /e2e$$)
	$(GOTEST) ./e2e

race: export GOFLAGS += -race
race: test

lint:
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not formatted: $$out"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

# lint-infra checks the Bicep by whatever there is, and says by what.
lint-infra:
	go test -count=1 -v -run Bicep ./infra

# stage puts what the Functions host needs into one folder: it looks for
# function.json only one level below the folder that holds host.json.
stage:
	rm -rf $(APP) && mkdir -p $(APP)
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(APP)/handler ./cmd/handler
	cp host.json rules.yaml sweep.yaml $(APP)/
	for f in functions/*/function.json; do d=$(APP)/$$(basename $$(dirname $$f)); mkdir -p $$d && cp $$f $$d/; done

# smoke runs the README's main job and follows it to its end.
smoke:
	./scripts/smoke.sh

# package makes what is deployed: dist/app and dist/app.zip.
package: export GOOS   := linux
package: export GOARCH := amd64
package: stage
	GOOS= GOARCH= go run ./scripts/zip $(APP) dist/app.zip

pim:
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o dist/pim ./cmd/pim

bench:
	go test -run '^$$' -bench . -benchmem ./...

# fuzz runs each fuzz target for FUZZTIME; CI keeps it short.
FUZZTIME ?= 10s
fuzz:
	@for p in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$p || exit 1; done; done

# soak runs the seeded simulation until it is stopped or finds something.
soak:
	go test -count=1 -timeout 0 -run TestSimulation ./pim/simulation -seeds 0

# flood sends ten thousand queued requests through six handlers and five percent of
# faults, which takes some minutes.
flood: $(AZURITE)
	go test -count=1 -timeout 2h -run TestThousand ./e2e -full -test.v

$(AZURITE): internal/azurite/VERSION
	npm install --prefix .tools/azurite azurite@$$(cat internal/azurite/VERSION) --no-audit --no-fund --loglevel error
	@touch $@

clean:
	rm -rf dist .tools
