package bus

import (
	"strings"
	"testing"
	"time"
)

func TestWrongPassword(t *testing.T) {
	srv := start(t, ServerOptions{User: "car", Password: "right"})
	for name, o := range map[string]ConnOptions{
		"password": {URL: srv.URL(), User: "car", Password: "wrong"},
		"no user":  {URL: srv.URL()},
	} {
		o.Log, _ = quiet()
		_, err := Connect(o)
		if err == nil || !strings.Contains(err.Error(), "nats.password") || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	connect(t, ConnOptions{URL: srv.URL(), User: "car", Password: "right"})
	connect(t, ConnOptions{Server: srv})
	_, err := Connect(ConnOptions{URL: start(t, ServerOptions{Token: "right"}).URL(), Token: "wrong"})
	if err == nil || !strings.Contains(err.Error(), "check nats.token") {
		t.Errorf("token: error %v", err)
	}
}

func TestNoServer(t *testing.T) {
	_, err := Connect(ConnOptions{URL: "nats://me:secret@127.0.0.1:1", Timeout: time.Second})
	if err == nil || !strings.Contains(err.Error(), "nats.url") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}
