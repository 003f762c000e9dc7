package azurite

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// patience is how long Azurite may take to listen: about two seconds where nothing
// else runs.
const patience = 2 * time.Minute

// untilOrphaned makes node end when its standard input does, which the kernel sees
// to when the test process ends, be it by a panic, a timeout or SIGKILL: no clean-up
// function would run then.
const untilOrphaned = `data:text/javascript,process.stdin.on("close",()=>process.exit()).resume()`

// process is the running node.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer // closing it ends the process
	stderr *tail
}

// launch starts Azurite on ports that the kernel picks, with its data in memory.
func launch() (*Server, error) {
	node, script, err := find()
	if err != nil {
		return nil, err
	}
	cert, key, err := selfSigned()
	if err != nil {
		return nil, err
	}
	// Azurite reads the files before it listens.
	dir, err := os.MkdirTemp("", "azurite")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := errors.Join(os.WriteFile(certFile, cert, 0o600), os.WriteFile(keyFile, key, 0o600)); err != nil {
		return nil, err
	}
	cmd := exec.Command(node, "--import", untilOrphaned, script,
		"--silent", "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck",
		"--blobHost", "127.0.0.1", "--blobPort", "0",
		"--queueHost", "127.0.0.1", "--queuePort", "0",
		"--tableHost", "127.0.0.1", "--tablePort", "0",
		"--oauth", "basic", "--cert", certFile, "--key", keyFile)
	cmd.Dir = os.TempDir()
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AZURITE_") && !strings.HasPrefix(v, "NODE_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	p := process{cmd: cmd, stderr: &tail{}}
	cmd.Stderr = p.stderr
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &Server{certificate: cert, process: p}
	if s.blob, s.table, err = p.listening(stdout); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	s.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: pool},
		MaxIdleConnsPerHost: 64,
	}}
	return s, nil
}

var listens = regexp.MustCompile(`^Azurite (\w+) service is successfully listening at (https://\S+)$`)

// listening waits until Azurite has told its addresses.
func (p process) listening(stdout io.Reader) (blob, table string, err error) {
	type address struct{ service, url string }
	found := make(chan address)
	go func() {
		defer close(found)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if m := listens.FindStringSubmatch(lines.Text()); m != nil {
				found <- address{m[1], m[2]}
			}
		}
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	for blob == "" || table == "" {
		select {
		case a, ok := <-found:
			switch {
			case !ok:
				return "", "", fmt.Errorf("azurite ended: %w: %s", p.cmd.Wait(), p.stderr)
			case a.service == "Blob":
				blob = a.url
			case a.service == "Table":
				table = a.url
			}
		case <-late.C:
			return "", "", errors.Join(fmt.Errorf("azurite does not listen after %s: %s", patience, p.stderr), p.cmd.Process.Kill())
		}
	}
	return blob, table, nil
}

// tail keeps the last of what was written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 4096
	t.buf.Write(b)
	t.buf.Next(max(0, t.buf.Len()-most))
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.buf.String())
}
