// Package spans exports the way of each set as OpenTelemetry spans, from the captures of its
// frames to its result:
//
//	set                       earliest capture to the published result
//	  arrival (each camera)   capture to arrival, by the clocks of camera and service
//	  sync                    first arrival to the set's leaving
//	  queue                   to the detector
//	  step                    of the detector
//	    preprocess, ...       its stages, one after the other
//	  publish
//
// A set that was lost has the spans up to there, and its root the error.
//
//	e, err := spans.New(ctx, spans.Options{Endpoint: "http://127.0.0.1:4318"})
//	defer e.Close()
//	s := service.New(source, stepper, sink, service.Options{Trace: e.Set})
//
// Spans are sent by OTLP over HTTP, in the background. If the collector is away they are lost,
// which is logged once when it begins and once when it is over.
package spans

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/solofusion/solofusion/internal/option"
	"github.com/solofusion/solofusion/internal/service"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// Options configure an Exporter.
type Options struct {
	Endpoint string       // URL of the collector, http://host:4318
	Version  string       // of the program
	Log      *slog.Logger // default slog.Default
}

// Exporter sends spans. It may be used by several goroutines.
type Exporter struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// New returns an exporter. It connects when it has spans to send. The caller closes it.
func New(ctx context.Context, o Options) (*Exporter, error) {
	o = option.Fill(o, Options{Log: slog.Default()})
	sender, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(o.Endpoint))
	if err != nil {
		return nil, fmt.Errorf("spans: collector at otel.endpoint %s: %w", o.Endpoint, err)
	}
	return newExporter(&watched{SpanExporter: sender, log: o.Log}, o.Version), nil
}

func newExporter(sender sdktrace.SpanExporter, version string) *Exporter {
	of := resource.NewSchemaless(attribute.String("service.name", "solofusion"), attribute.String("service.version", version))
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(sender), sdktrace.WithResource(of))
	return &Exporter{provider: p, tracer: p.Tracer("solofusion")}
}

// Close sends the spans that wait, for at most two seconds.
func (e *Exporter) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = e.provider.Shutdown(ctx) // watched has logged why spans could not be sent
}

// Set exports the spans of a set.
func (e *Exporter) Set(w *service.Way) {
	began := w.Left
	for _, f := range w.Set.Frames {
		if f != nil && f.Captured.Before(began) {
			began = f.Captured
		}
	}
	ctx, root := e.tracer.Start(context.Background(), "set", trace.WithTimestamp(began), trace.WithAttributes(
		attribute.String("rig", w.Set.Rig.Name), attribute.String("time", w.Set.Time.Format(time.RFC3339Nano)),
		attribute.StringSlice("cameras.missing", w.Set.Missing()),
	))
	e.input(ctx, w)
	end := e.step(ctx, w)
	if w.Lost != nil {
		root.SetStatus(codes.Error, w.Lost.Error())
	}
	root.End(trace.WithTimestamp(end))
}

// input exports the spans up to the set's leaving. Frames of a recording have no arrivals.
func (e *Exporter) input(ctx context.Context, w *service.Way) {
	var first time.Time
	for _, f := range w.Set.Frames {
		if f == nil || f.Arrived.IsZero() {
			continue
		}
		e.span(ctx, "arrival", f.Captured, f.Arrived, attribute.String("camera", f.Camera))
		if first.IsZero() || f.Arrived.Before(first) {
			first = f.Arrived
		}
	}
	if !first.IsZero() {
		e.span(ctx, "sync", first, w.Left)
	}
}

// step exports the spans from the set's leaving and returns the end of the last.
func (e *Exporter) step(ctx context.Context, w *service.Way) (end time.Time) {
	if w.Began.IsZero() {
		return w.Left
	}
	e.span(ctx, "queue", w.Left, w.Began)
	if w.Stepped.IsZero() {
		return w.Began
	}
	in := e.span(ctx, "step", w.Began, w.Stepped)
	if w.Result != nil {
		e.stages(in, w)
	}
	if w.Published.IsZero() {
		return w.Stepped
	}
	e.span(ctx, "publish", w.Stepped, w.Published, attribute.Int("detections", len(w.Result.Detections)))
	return w.Published
}

func (e *Exporter) stages(ctx context.Context, w *service.Way) {
	at := w.Began
	for _, stage := range pipeline.Stages {
		if d, ran := w.Result.StageDurations[stage]; ran {
			e.span(ctx, stage, at, at.Add(d))
			at = at.Add(d)
		}
	}
}

// span exports one span and returns its context. A span that ends before it begins, since
// two clocks differ, has no length.
func (e *Exporter) span(ctx context.Context, name string, from, to time.Time, attributes ...attribute.KeyValue) context.Context {
	if to.Before(from) {
		attributes = append(attributes, attribute.Float64("clock_ahead_seconds", from.Sub(to).Seconds()))
		from = to
	}
	ctx, s := e.tracer.Start(ctx, name, trace.WithTimestamp(from), trace.WithAttributes(attributes...))
	s.End(trace.WithTimestamp(to))
	return ctx
}

// watched logs when spans begin to be lost, and when that is over.
type watched struct {
	sdktrace.SpanExporter
	log    *slog.Logger
	failed atomic.Bool
	lost   atomic.Int64
}

// ExportSpans implements sdktrace.SpanExporter. It returns nil, since the SDK would print the
// error in a format of its own.
func (w *watched) ExportSpans(ctx context.Context, all []sdktrace.ReadOnlySpan) error {
	err := w.SpanExporter.ExportSpans(ctx, all)
	if err != nil {
		w.lost.Add(int64(len(all)))
	}
	if before := w.failed.Swap(err != nil); err != nil && !before {
		w.log.Warn("spans are lost: is there a collector at otel.endpoint?", "error", err)
	} else if err == nil && before {
		w.log.Info("spans are sent again", "lost", w.lost.Swap(0))
	}
	return nil
}
