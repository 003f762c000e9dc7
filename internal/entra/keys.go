package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/azurepim/azure-pim/pim"
	"github.com/golang-jwt/jwt/v5"
)

const (
	// refreshAfter is the age at which keys are read again although they serve.
	refreshAfter = time.Hour
	// keepFor is the age at which keys that could not be read again serve no longer.
	// Entra asks clients to look once a day.
	keepFor = 24 * time.Hour
	// unknownEvery is how often a key that nobody knows makes us read: invented ones
	// cost nothing. Microsoft's own middleware waits as long.
	unknownEvery = 5 * time.Minute
	// retryEvery is the same after a reading that failed.
	retryEvery = 5 * time.Second
	// readFor bounds one reading, for which tokens wait.
	readFor = 10 * time.Second
	// mostKeys bounds the key document, in bytes. Entra's has some 20 KiB.
	mostKeys = 1 << 20
)

var errUnknownKey = errors.New("no such key is published")

// signingKeys are the public keys by which the tenant signs. They are read when the
// first token comes, and then by tokens too: there is nothing to start or stop.
type signingKeys struct {
	set atomic.Pointer[keySet] // nil until read

	mu    sync.Mutex // held while reading
	tried time.Time
	err   error // of the last reading
}

type keySet struct {
	keyfunc.Keyfunc
	read time.Time
}

// key finds the key that t says it is signed with, by reading the keys anew if it
// has to. Its error is errUnknownKey, or has CodeBusy.
func (k *signingKeys) key(t *jwt.Token, read func() (*keySet, error)) (any, error) {
	if kid, _ := t.Header["kid"].(string); kid == "" {
		return nil, errUnknownKey // Entra names its key
	}
	key, age := k.held(t)
	switch {
	case key != nil && age < refreshAfter:
		return key, nil
	case key == nil || age >= keepFor:
		k.mu.Lock()
	case !k.mu.TryLock():
		return key, nil // another token refreshes them
	}
	err := k.refresh(read)
	k.mu.Unlock()
	switch key, age = k.held(t); {
	case key != nil && age < keepFor:
		return key, nil
	case err != nil:
		return nil, &pim.Error{Op: verify, Code: pim.CodeBusy, Retry: pim.RetryLater, Detail: "the tenant's signing keys cannot be read", Err: err}
	}
	return nil, errUnknownKey
}

// held is the key as we know it, nil if we do not, and the age of what we know.
func (k *signingKeys) held(t *jwt.Token) (any, time.Duration) {
	set := k.set.Load()
	if set == nil {
		return nil, 0
	}
	key, err := set.Keyfunc.Keyfunc(t)
	if err != nil {
		return nil, 0
	}
	return key, time.Since(set.read)
}

// refresh reads the keys unless that was tried a moment ago. The caller has the lock.
func (k *signingKeys) refresh(read func() (*keySet, error)) error {
	pause := unknownEvery
	if k.err != nil {
		pause = retryEvery
	}
	if !k.tried.IsZero() && time.Since(k.tried) < pause {
		return k.err
	}
	var set *keySet
	if set, k.err = read(); k.err == nil {
		k.set.Store(set)
	}
	k.tried = time.Now()
	return k.err
}

// readKeys gets the key document. The token that needs it may be given up meanwhile;
// the others that wait for it are not.
func readKeys(ctx context.Context, client *http.Client, url string) (*keySet, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readFor)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, mostKeys))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	keys, err := keyfunc.NewJWKSetJSON(json.RawMessage(b))
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	// Any JSON object reads as a set without keys, which would put out the ones we have.
	if all, err := keys.Storage().KeyReadAll(ctx); err != nil || len(all) == 0 {
		return nil, errors.New("reading signing keys: the answer holds none")
	}
	return &keySet{keys, time.Now()}, nil
}
