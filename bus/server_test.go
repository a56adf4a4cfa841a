package bus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPortInUse(t *testing.T) {
	srv := start(t, ServerOptions{})
	log, _ := quiet()
	_, err := StartServer(ServerOptions{Port: srv.port(), Log: log})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v", err)
	}
}

func TestUsersOfTheServer(t *testing.T) {
	hash := "$2a$04$" + "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy" // of nobody's password
	srv := start(t, ServerOptions{Users: []string{"vehicle:one:two", "viewer:three", "hashed:" + hash}, User: "service", Password: "four"})
	connect(t, ConnOptions{URL: srv.URL(), User: "vehicle", Password: "one:two"})
	connect(t, ConnOptions{URL: srv.URL(), User: "viewer", Password: "three"})
	connect(t, ConnOptions{URL: srv.URL(), User: "service", Password: "four"})
	connect(t, ConnOptions{Server: srv})
	connect(t, ConnOptions{Server: start(t, ServerOptions{Users: []string{"vehicle:one"}})}) // by a name of its own
	for user, password := range map[string]string{"viewer": "one:two", "hashed": hash, "": ""} {
		if err := fails(t, ConnOptions{URL: srv.URL(), User: user, Password: password}); !strings.Contains(err, "nats.user") {
			t.Errorf("%s: %v", user, err)
		}
	}
}

// A server that takes anybody's from other machines says so.
func TestOpenServerIsToldOf(t *testing.T) {
	own := newAuthority(t)
	mutual := own.sign(t, "server", own.cert.NotAfter)
	mutual.CA = own.file
	for name, test := range map[string]struct {
		o    ServerOptions
		open bool
	}{
		"everywhere":          {ServerOptions{Host: "0.0.0.0"}, true},
		"everywhere, by IPv6": {ServerOptions{Host: "::"}, true},
		"this machine":        {ServerOptions{Host: "127.0.0.1"}, false},
		"its name":            {ServerOptions{Host: "localhost"}, false},
		"with a user":         {ServerOptions{Host: "0.0.0.0", User: "a", Password: "b"}, false},
		"with users":          {ServerOptions{Host: "0.0.0.0", Users: []string{"a:b"}}, false},
		"with a token":        {ServerOptions{Host: "0.0.0.0", Token: "t"}, false},
		"with certificates":   {ServerOptions{Host: "0.0.0.0", TLS: mutual}, false},
	} {
		log, logged := quiet()
		test.o.Port, test.o.Log = -1, log
		srv, err := StartServer(test.o)
		if err != nil {
			t.Fatal(err)
		}
		srv.Close()
		if open := strings.Contains(logged.String(), "listens beyond this machine"); open != test.open {
			t.Errorf("%s: told of: %t, want %t:\n%s", name, open, test.open, logged)
		}
		if !test.open && strings.Contains(logged.String(), "level=WARN") {
			t.Errorf("%s: a warning of what nobody can mend:\n%s", name, logged)
		}
	}
}

func TestStoreInUse(t *testing.T) {
	store := t.TempDir()
	first := start(t, ServerOptions{Store: store})
	log, _ := quiet()
	if _, err := StartServer(ServerOptions{Port: -1, Store: store, Log: log}); err == nil || !strings.Contains(err.Error(), "nats.embedded.store to a folder") {
		t.Errorf("a second server in the same folder: %v", err)
	}
	first.Close()
	start(t, ServerOptions{Store: store})
	if _, err := StartServer(ServerOptions{Port: -1, Store: "/dev/null/x", Log: log}); err == nil || !strings.Contains(err.Error(), "set nats.embedded.store to a folder that can be written") {
		t.Errorf("a folder that cannot be: %v", err)
	}
}

// A process that was killed leaves a folder without a lock, which the next one removes.
func TestTemporaryStoresOfTheDeadAreRemoved(t *testing.T) {
	base := t.TempDir()
	dead, foreign := filepath.Join(base, temporaryStore+"1"), filepath.Join(base, temporaryStore+"2")
	for _, dir := range []string{dead, foreign} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dead, lockName), nil)
	alive, err := temporary(base)
	if err != nil {
		t.Fatal(err)
	}
	sweep(base)
	if exists(dead) || !exists(foreign) || !exists(alive.dir) {
		t.Errorf("left: dead %t, of another program %t, of a running server %t", exists(dead), exists(foreign), exists(alive.dir))
	}
	alive.close()
	if exists(alive.dir) {
		t.Error("a temporary folder is left after the server's end")
	}
}

func TestStateDir(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("XDG_STATE_HOME", "/state")
	if dir, err := StateDir(4222); err != nil || dir != "/state/solofusion/nats/4222" {
		t.Errorf("%s %v", dir, err)
	}
	t.Setenv("XDG_STATE_HOME", "")
	if dir, err := StateDir(4222); err != nil || dir != "/home/me/.local/state/solofusion/nats/4222" {
		t.Errorf("%s %v", dir, err)
	}
}
