package main

import (
	"sync"

	"github.com/azurepim/azure-pim/pim"
)

// parsed remembers the rules of the last text, which comes again and again.
type parsed struct {
	mu   sync.Mutex
	text string
	last *pim.Rules
}

func newParsed() *parsed { return &parsed{} }

func (p *parsed) rules(text string) (*pim.Rules, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last != nil && text == p.text {
		return p.last, nil
	}
	r, err := pim.ParseRules([]byte(text))
	if err != nil {
		return nil, err
	}
	p.text, p.last = text, r
	return r, nil
}
