package bus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// store is the folder of an embedded server. Its lock shows others that a server uses
// it: a process that is killed leaves none.
type store struct {
	dir       string
	lock      *os.File
	temporary bool
}

const (
	temporaryStore = "solofusion-nats-" // begins the names of temporary folders
	lockName       = "lock"
)

// errInUse is returned for the folder of a running server.
var errInUse = errors.New("another server uses it: is solofusion running already? set nats.embedded.port, or nats.embedded.store to a folder for this one")

// StateDir returns the folder that keeps an embedded server's data between runs:
// solofusion/nats/<port> in XDG_STATE_HOME or ~/.local/state, where servers of several
// ports have one each. It fails if there is neither XDG_STATE_HOME nor a home.
func StateDir(port int) (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("bus: no folder for the embedded server: %w: set XDG_STATE_HOME or nats.embedded.store", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "solofusion", "nats", strconv.Itoa(port)), nil
}

// openStore locks the folder, which it makes if there is none. With "" it makes a
// temporary one, and removes those of processes that were killed.
func openStore(dir string) (*store, error) {
	if dir == "" {
		sweep(os.TempDir())
		return temporary(os.TempDir())
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: set nats.embedded.store to a folder that can be written, or to temporary", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &store{dir: dir, lock: lock}, nil
}

// temporary makes a temporary folder in base. Another process may sweep it away before
// it is locked: then it makes another.
func temporary(base string) (*store, error) {
	for {
		dir, err := os.MkdirTemp(base, temporaryStore)
		if err != nil {
			return nil, err
		}
		lock, err := lockFolder(dir)
		if err == nil && exists(filepath.Join(dir, lockName)) {
			return &store{dir: dir, lock: lock, temporary: true}, nil
		}
		if err == nil {
			lock.Close()
		} else if !errors.Is(err, errInUse) && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
}

// sweep removes the temporary folders in base that no process has locked.
func sweep(base string) {
	left, _ := filepath.Glob(filepath.Join(base, temporaryStore+"*")) // the pattern is well-formed
	for _, dir := range left {
		if !exists(filepath.Join(dir, lockName)) { // not of a server, or about to be locked
			continue
		}
		if lock, err := lockFolder(dir); err == nil {
			os.RemoveAll(dir)
			lock.Close()
		}
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// lockFolder returns the folder's lock file, locked until it is closed. The error is
// errInUse if another has it.
func lockFolder(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errInUse
		}
		return nil, fmt.Errorf("lock: %w", err)
	}
	return lock, nil
}

// close gives the folder up, and removes it if it is temporary.
func (s *store) close() {
	if s.temporary {
		os.RemoveAll(s.dir)
	}
	s.lock.Close()
}
