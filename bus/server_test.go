package bus

import (
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
