package bus

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/perception"
)

func TestImageOverThePayloadLimit(t *testing.T) {
	srv := start(t, ServerOptions{MaxPayload: 4096})
	p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{})
	f := testFrame("CAM_FRONT", 1)
	f.Image = make([]byte, 5000)
	err := p.Publish(within(t), f)
	var over *PayloadError
	if !errors.As(err, &over) || over.Limit != 4096 || over.Size <= 5000 {
		t.Fatalf("error %v", err)
	}
	for _, word := range []string{"frame.CAM_FRONT", "nats.embedded.max_payload", "max_payload in the configuration of a server", "4096"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not name %s", err, word)
		}
	}
	publish(t, p, testFrame("CAM_FRONT", 2)) // the connection still works
}

func TestConfirmReturnsRefusals(t *testing.T) {
	srv := start(t, ServerOptions{})
	p := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{Confirm: true})
	var (
		none    *NoServiceError
		refused *RefusedError
		invalid *InvalidError
	)
	if err := p.Publish(within(t), testPose(1)); !errors.As(err, &none) || !strings.Contains(err.Error(), "no service is subscribed") {
		t.Errorf("without a service: %v", err)
	}
	source(t, connect(t, ConnOptions{Server: srv}), SourceOptions{})
	timeless := testFrame("CAM_FRONT", 1)
	timeless.Captured = time.UnixMicro(0)
	if err := p.Publish(within(t), timeless); !errors.As(err, &refused) || !strings.Contains(err.Error(), "captured_us is missing") {
		t.Errorf("a frame without a time: %v", err)
	}
	if err := p.End(within(t)); err != nil {
		t.Errorf("a live source takes the end and goes on: %v", err)
	}
	for name, ev := range map[string]perception.Event{
		`bus: message not sent: name "\xff" of a frame's camera: it is not UTF-8`:                testFrame("\xff", 1),
		`bus: message not sent: name "" of a frame's camera: it is empty`:                        testFrame("", 1),
		`bus: message not sent: perception: rig "car": name "\xff" of a camera: it is not UTF-8`: named("\xff"),
	} {
		if err := p.Publish(within(t), ev); !errors.As(err, &invalid) || err.Error() != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
}
