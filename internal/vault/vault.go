// Package vault reads secrets of a Key Vault, and remembers them for a short while.
package vault

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// Lifetime is how long a secret is remembered: a changed one counts within as long.
const Lifetime = 5 * time.Minute

// Vault is one Key Vault. It is safe for concurrent use.
type Vault struct {
	client *azsecrets.Client
	mu     sync.Mutex
	seen   map[string]secret
}

type secret struct {
	value string
	until time.Time
}

// New returns the vault at uri, such as https://name.vault.azure.net. It asks for
// nothing yet.
func New(uri string, cred azcore.TokenCredential, o azcore.ClientOptions) (*Vault, error) {
	c, err := azsecrets.NewClient(uri, cred, &azsecrets.ClientOptions{ClientOptions: o})
	if err != nil {
		return nil, fmt.Errorf("vault.New: %w", err)
	}
	return &Vault{client: c, seen: map[string]secret{}}, nil
}

// Secret returns the newest version of the secret of that name. Where the vault
// cannot be reached, what was last read is not used beyond its lifetime: a revoked
// secret must not live on because the vault is down. The error never holds a value.
func (v *Vault) Secret(ctx context.Context, name string) (string, error) {
	v.mu.Lock()
	s, ok := v.seen[name]
	v.mu.Unlock()
	if ok && time.Now().Before(s.until) {
		return s.value, nil
	}
	got, err := v.client.GetSecret(ctx, name, "", nil)
	if err != nil {
		return "", fmt.Errorf("vault.Secret %s: %w", name, err)
	}
	if got.Value == nil {
		return "", fmt.Errorf("vault.Secret %s: it has no value", name)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen[name] = secret{*got.Value, time.Now().Add(Lifetime)}
	return *got.Value, nil
}
