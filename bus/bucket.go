package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
)

// bucket names the key-value bucket that keeps the calibrations of all rigs.
func (s Subjects) bucket() string { return strings.ReplaceAll(s.Prefix, ".", "_") + "_calibration" }

// key names the rig's calibration in the bucket.
func (s Subjects) key() string { return Token(s.Rig) }

// kept is the subject on which the bucket's entry of the rig is stored.
func (s Subjects) kept() string { return "$KV." + s.bucket() + "." + s.key() }

// keep puts a calibration into the bucket.
func (p *Publisher) keep(ctx context.Context, m proto.Message) error {
	data, err := p.conn.encode(p.subjects.of(calibration), m)
	if err != nil {
		return err
	}
	js, err := jetstream.New(p.conn.nc)
	if err != nil {
		return fmt.Errorf("bus: calibration bucket: %w", err)
	}
	bucket, err := p.subjects.open(ctx, js)
	if noJetStream(err) {
		return ErrNotKept
	}
	if err == nil {
		_, err = bucket.Put(ctx, p.subjects.key(), data)
	}
	if err != nil {
		return fmt.Errorf("bus: calibration bucket: %w", p.conn.blame(err))
	}
	return nil
}

// open returns the bucket, and creates it if there is none. One that is there stays as its
// owner made it: with replicas, a history, another description.
func (s Subjects) open(ctx context.Context, js jetstream.JetStream) (jetstream.KeyValue, error) {
	bucket, err := js.KeyValue(ctx, s.bucket())
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return bucket, err
	}
	bucket, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:      s.bucket(),
		Description: "calibration of each rig, solofusion.v1.RigCalibration",
	})
	if errors.Is(err, jetstream.ErrBucketExists) { // another publisher was faster
		return js.KeyValue(ctx, s.bucket())
	}
	return bucket, err
}

func noJetStream(err error) bool {
	return errors.Is(err, jetstream.ErrJetStreamNotEnabled) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) ||
		errors.Is(err, nats.ErrNoResponders)
}

// A server that is back may be there before its JetStream is.
const (
	recallTries = 5
	recallLimit = 5 * time.Second // of each
	recallPause = time.Second     // after one that failed
)

// recallAfterReconnect recalls the calibration after a reconnection, if the bucket has
// another than before: a calibration that was only sent, and not kept, stays in force.
func (s *Source) recallAfterReconnect() {
	s.recalling.Lock()
	defer s.recalling.Unlock()
	for range recallTries {
		ctx, cancel := context.WithTimeout(context.Background(), recallLimit)
		err := s.recall(ctx)
		cancel()
		if err == nil || s.closed.Load() || s.Down() != nil { // the next reconnection recalls it
			return
		}
		s.conn.warnings.Warn("recall", "calibration not read after the reconnection", "error", err)
		select {
		case <-time.After(recallPause):
		case <-s.conn.closed:
			return
		}
	}
}

// recall delivers the calibration in the bucket, if there is one. A service that may
// not read the bucket says so, and waits for a calibration to be sent. One that comes while
// the bucket is read is newer, and stays in force.
func (s *Source) recall(ctx context.Context) error {
	s.mu.Lock()
	taken, kept := s.taken, s.kept
	s.mu.Unlock()
	entry, err := s.read(ctx)
	var denied *DeniedError
	switch {
	case noJetStream(err):
		s.conn.log.Warn("the NATS server has no JetStream and keeps no calibration: waiting for one to be sent")
		return nil
	case errors.Is(err, jetstream.ErrBucketNotFound), errors.Is(err, jetstream.ErrKeyNotFound):
		return nil // none was sent yet
	case errors.As(err, &denied):
		s.conn.log.Warn("the kept calibration cannot be read: waiting for one to be sent", "bucket", s.subjects.bucket(), "error", err)
		return nil
	case err != nil:
		return fmt.Errorf("bus: calibration bucket: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.kept != nil && bytes.Equal(s.kept, entry):
	case s.taken == taken:
		s.remember(entry)
	case bytes.Equal(s.kept, kept): // the newer one was only sent
		s.kept = entry
	}
	return nil
}

// remember delivers what the bucket keeps, before all that waits. The caller holds the
// lock.
func (s *Source) remember(entry []byte) {
	s.kept = entry
	rig, err := decodeRig(entry)
	if err != nil {
		s.refuse(s.subjects.kept(), err)
		return
	}
	if !s.lossless {
		now := time.Now()
		if err := s.gate.admit(rig, now); err != nil {
			s.over.Add(1)
			s.rejected.Store(&rejection{err, now})
			s.conn.warnings.Warn("over "+s.subjects.kept(), "the calibration kept by the server is over a limit", "reason", err)
			return
		}
		s.last = entry
	}
	_ = s.queue.PutFirst(item{event: rig, answer: func(string) {}}) // not needed after Close
}

// read returns the rig's entry in the bucket.
func (s *Source) read(ctx context.Context) ([]byte, error) {
	js, err := jetstream.New(s.conn.nc)
	if err != nil {
		return nil, err
	}
	bucket, err := js.KeyValue(ctx, s.subjects.bucket())
	if err != nil {
		return nil, s.conn.blame(err)
	}
	entry, err := bucket.Get(ctx, s.subjects.key())
	if err != nil {
		return nil, s.conn.blame(err)
	}
	return entry.Value(), nil
}

// change takes a calibration that is put into the bucket while the source listens: an
// entry is stored by a message on its subject.
func (s *Source) change(msg *nats.Msg) {
	if msg.Header.Get("KV-Operation") != "" { // it was deleted: the one in force stays
		return
	}
	rig, err := decodeRig(msg.Data)
	if err != nil {
		s.refuse(msg.Subject, err)
		return
	}
	s.mu.Lock()
	s.kept = msg.Data
	s.mu.Unlock()
	s.take(rig, msg, func(string) {})
}
