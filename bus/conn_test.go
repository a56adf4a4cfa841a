package bus

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// vanishing returns a connection to a server through a proxy, and the function that makes
// the server vanish: nothing that is sent is read, nothing comes, and nobody can connect.
func vanishing(t *testing.T, port int) (c *Conn, vanish func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 1)
	go func() {
		client, err := listener.Accept()
		if err != nil {
			close(accepted)
			return
		}
		accepted <- client
		go func() { _, _ = io.Copy(client, server) }()
		_, _ = io.Copy(server, client)
	}()
	vanish = func() {
		listener.Close()
		server.Close()
	}
	t.Cleanup(func() {
		vanish()
		if client := <-accepted; client != nil {
			client.Close()
		}
	})
	return connect(t, ConnOptions{URL: "nats://" + listener.Addr().String()}), vanish
}

// TestVanishedServer: Down answers at once, also while a write waits for a server that
// vanished without a word, and says so soon.
func TestVanishedServer(t *testing.T) {
	c, vanish := vanishing(t, start(t, ServerOptions{}).port())
	src := source(t, c, SourceOptions{})
	vanish()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range 4 { // more than sockets keep
			_ = c.nc.Publish("x", make([]byte, 7<<20))
		}
	}()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		asked := time.Now()
		err := src.Down()
		if took := time.Since(asked); took > 500*time.Millisecond {
			t.Fatalf("Down took %v", took)
		}
		if err != nil && strings.HasPrefix(err.Error(), "bus: the connection to the NATS server is lost, trying again: ") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after 10 s Down returns %v", err)
		}
	}
	<-sent
}

// A server that vanished while nothing is sent is noticed by the pings.
func TestPings(t *testing.T) {
	o := connect(t, ConnOptions{Server: start(t, ServerOptions{})}).nc.Opts
	if noticed := o.PingInterval * time.Duration(o.MaxPingsOut+1); noticed > 6*time.Second {
		t.Errorf("it is noticed after %v, want 6 s", noticed)
	}
}
