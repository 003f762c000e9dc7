package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/azurepim/azure-pim/internal/auditlog"
	"github.com/spf13/cobra"
)

// verifying is the flags of pim audit verify.
type verifying struct {
	signIn
	container, day, from, to, name string
}

func (c *cli) audit() *cobra.Command {
	var v verifying
	verify := &cobra.Command{
		Use:   "verify [FILE|FOLDER]...",
		Short: "Prove that files of the audit log are whole",
		Long: `verify reads files of the audit log and checks that every line holds the hash of
the line before, and the first one that of the file's name. It names the first
line of each file that does not: it, or the one before, was changed, or lines
are missing between the two.

The files are those of a container, read with your own rights (--container with
--day, or --from and --to), or copies on this machine. A copy must lie as it
does in the container, in folders of year, month and day, since its name is
part of the proof; --name gives the name of a single copy that does not. - is
standard input.

Nothing follows the last line of a file. That it was not changed and none was
cut off behind it is for the container's immutability policy to vouch, and that
no whole file is missing.

It exits with 0 if every file is whole, and with 3 if one is broken.`,
		Example: `  pim audit verify --container https://contoso.blob.core.windows.net/audit --day 2026-11-22
  pim audit verify --container https://contoso.blob.core.windows.net/audit --from 2026-11-01 --to 2026-11-30
  pim audit verify copies/2026/11/22
  pim audit verify --name 2026/11/22/app-1.jsonl app-1.jsonl`,
		RunE: c.begin(func(ctx context.Context, files []string) error { return c.verifyAudit(ctx, v, files) }),
	}
	v.signIn.flags(verify)
	f := verify.Flags()
	f.StringVar(&v.container, "container", "", "URL of the blob container")
	f.StringVar(&v.day, "day", "", "the day to read, in UTC: 2026-11-22 (default today)")
	f.StringVar(&v.from, "from", "", "the first day to read")
	f.StringVar(&v.to, "to", "", "the last day to read (default today)")
	f.StringVar(&v.name, "name", "", "name of the one FILE within its container: 2026/11/22/app-1.jsonl")
	verify.MarkFlagsMutuallyExclusive("day", "from")
	verify.MarkFlagsMutuallyExclusive("day", "to")
	verify.MarkFlagsMutuallyExclusive("container", "name")
	return c.group("audit", "Prove the audit log",
		"The audit log holds one line for each decision and each effect. Its lines form a\nchain of hashes, file by file.", verify)
}

// proof is what is found of one file.
type proof struct {
	Name   string `json:"name"`
	Lines  int    `json:"lines"` // that follow each other from the first on
	Whole  bool   `json:"whole"`
	Broken int    `json:"broken,omitempty"` // the first line that does not follow
	Why    string `json:"why,omitempty"`    // it is broken, or could not be read
}

// prove reads one file under its name in the container.
func prove(r io.Reader, name string) proof {
	lines, err := auditlog.Verify(r, name)
	p := proof{Name: name, Lines: lines, Whole: err == nil}
	if broken, ok := errors.AsType[*auditlog.BrokenError](err); ok {
		p.Broken, p.Why = broken.Line, broken.Why
	} else if err != nil {
		p.Why = explain(err)
	}
	return p
}

func (c *cli) verifyAudit(ctx context.Context, v verifying, files []string) error {
	var proofs []proof
	var err error
	switch {
	case v.container != "" && len(files) > 0:
		return usage("name files or a --container, not both")
	case v.container != "":
		proofs, err = c.proveContainer(ctx, v)
	case len(files) == 0:
		return usage("name files of the audit log, or a --container")
	case v.day != "" || v.from != "" || v.to != "":
		return usage("--day, --from and --to go with --container")
	default:
		proofs, err = c.proveFiles(v.name, files)
	}
	if err != nil {
		return err
	}
	err = c.print(proofs, func(p *page) {
		p.row("FILE", "LINES", "RESULT")
		for _, f := range proofs {
			p.row(f.Name, strconv.Itoa(f.Lines), f.result())
		}
	})
	unread := 0
	for _, f := range proofs {
		if f.Broken > 0 {
			return errors.Join(err, errNo)
		}
		if !f.Whole {
			unread++
		}
	}
	if err == nil && unread > 0 {
		err = fmt.Errorf("%s could not be read", plural(unread, "file"))
	}
	return err
}

func (f proof) result() string {
	switch {
	case f.Whole:
		return "whole"
	case f.Broken > 0:
		return fmt.Sprintf("broken at line %d: %s", f.Broken, f.Why)
	}
	return "unread: " + f.Why
}

func (c *cli) proveFiles(given string, paths []string) ([]proof, error) {
	if given != "" && len(paths) != 1 {
		return nil, usage("--name is the name of one file")
	}
	var out []proof
	for _, path := range paths {
		found, err := within(path)
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			p, err := c.proveFile(given, file)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// within lists the files of the audit log in a folder and below. What is no folder
// is one of them itself.
func within(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	folder := path
	var out []string
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".jsonl") {
			out = append(out, path)
		}
		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("there is no file of the audit log in %s: they end in .jsonl", folder)
	}
	return out, err
}

func (c *cli) proveFile(given, path string) (proof, error) {
	if given == "" {
		full, err := filepath.Abs(path)
		if err != nil {
			return proof{}, err
		}
		if given = logName.FindString(filepath.ToSlash(full)); given == "" || path == "-" {
			return proof{}, usage("%s does not lie in folders of year, month and day: give its name in the container with --name", name(path))
		}
	}
	if path == "-" {
		return prove(c.in, given), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return proof{}, err
	}
	defer f.Close()
	return prove(f, given), nil
}

// logName is the end of a path that is a file's name in the container.
var logName = regexp.MustCompile(`\d{4}/\d{2}/\d{2}/[^/]+\.jsonl$`)
