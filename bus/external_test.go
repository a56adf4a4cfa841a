package bus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/perception"
)

// TestSeparateServer goes through a nats-server process with a password, built
// from the module that go.mod names.
func TestSeparateServer(t *testing.T) {
	url := external(t, "-js", "--user", "car", "--pass", "right")
	log, _ := quiet()
	_, err := Connect(ConnOptions{URL: url, User: "car", Password: "wrong", Log: log})
	if err == nil || strings.Count(err.Error(), "\n") > 0 || !strings.Contains(err.Error(), `refuses user "car": check nats.user and nats.password`) {
		t.Errorf("wrong password: %v", err)
	}
	as := ConnOptions{URL: url, User: "car", Password: "right"}
	p := NewPublisher(connect(t, as), car, PublisherOptions{})
	publish(t, p, testRig())
	src := source(t, connect(t, as), SourceOptions{}) // late for the calibration
	publish(t, p, testPose(1), testFrame("CAM_FRONT", 1))
	for _, want := range []perception.Event{testRig(), testPose(1), testFrame("CAM_FRONT", 1)} {
		if diff := cmp.Diff(want, next(t, src)); diff != "" {
			t.Errorf("(-sent +received):\n%s", diff)
		}
	}
	results, err := NewResults(connect(t, as), car)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewSink(connect(t, as), car, SinkOptions{}).Publish(within(t), &perception.Moment{Result: testResult()}); err != nil {
		t.Fatal(err)
	}
	got, err := results.Next(within(t))
	if diff := cmp.Diff(testResult(), got); err != nil || diff != "" {
		t.Errorf("%v (-sent +received):\n%s", err, diff)
	}
	large := testFrame("CAM_FRONT", 2)
	large.Image = make([]byte, 2<<20) // the server's own limit is 1 MiB
	if err := p.Publish(within(t), large); err == nil || !strings.Contains(err.Error(), "max_payload") {
		t.Errorf("an image over the limit: %v", err)
	}
}

// external builds and starts a nats-server, and returns its URL.
func external(t *testing.T, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "nats-server")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/nats-io/nats-server/v2")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building nats-server: %v\n%s", err, out)
	}
	flags = append(flags, "--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", dir, "--store_dir", filepath.Join(dir, "store"))
	server := exec.Command(program, flags...)
	var text bytes.Buffer
	server.Stderr = &text
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Wait()
		if t.Failed() {
			t.Logf("log of nats-server:\n%s", text.String())
		}
	})
	return awaitURL(t, filepath.Join(dir, fmt.Sprintf("nats-server_%d.ports", server.Process.Pid)))
}

// awaitURL returns what the server writes into its ports file once it listens.
func awaitURL(t *testing.T, file string) string {
	t.Helper()
	for range 500 {
		var ports struct{ Nats []string }
		if text, err := os.ReadFile(file); err == nil && json.Unmarshal(text, &ports) == nil && len(ports.Nats) > 0 {
			return ports.Nats[0]
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("no address in %s after 10 s", file)
	return ""
}
