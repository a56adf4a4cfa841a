package config

import (
	"time"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/service"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/framesync"
	"github.com/solofusion/solofusion/perception/pipeline"
	"github.com/solofusion/solofusion/perception/preprocess"
)

// Config is the whole configuration. The comment of each key is in
// solofusion.yaml.
type Config struct {
	NATS    NATS               `yaml:"nats"`
	Sync    framesync.Options  `yaml:"sync"`
	Service service.Options    `yaml:"service"`
	Images  preprocess.Options `yaml:"images"`
	Model   Model              `yaml:"model"`
	History History            `yaml:"history"`
	ONNX    ONNX               `yaml:"onnx"`
	Results bus.SinkOptions    `yaml:"results"`
	Limits  bus.Limits         `yaml:"limits"`
	Kernels string             `yaml:"kernels"`
	HTTP    HTTP               `yaml:"http"`
	OTel    OTel               `yaml:"otel"`
	Log     Log                `yaml:"log"`
}

// NATS configures the connection, the subjects and the embedded server.
type NATS struct {
	URL            string            `yaml:"url"` // "" for the embedded server
	Prefix         string            `yaml:"prefix"`
	Rig            string            `yaml:"rig"`
	User           string            `yaml:"user"`
	Password       string            `yaml:"password"`
	Token          string            `yaml:"token"`
	Creds          string            `yaml:"creds"`
	NKey           string            `yaml:"nkey"`
	TLS            bus.TLS           `yaml:"tls"`
	Inbox          string            `yaml:"inbox"`
	ConnectTimeout time.Duration     `yaml:"connect_timeout"`
	Queue          int               `yaml:"queue"`
	Embedded       bus.ServerOptions `yaml:"embedded"`
}

// Subjects returns the subjects of the rig's messages.
func (n *NATS) Subjects() bus.Subjects { return bus.Subjects{Prefix: n.Prefix, Rig: n.Rig} }

// Conn returns the options of the connection.
func (n *NATS) Conn() bus.ConnOptions {
	return bus.ConnOptions{
		URL: n.URL, User: n.User, Password: n.Password, Token: n.Token, Creds: n.Creds, NKey: n.NKey,
		TLS: n.TLS, Inbox: n.Inbox, Timeout: n.ConnectTimeout,
	}
}

// Temporary in place of a store's folder keeps nothing between runs.
const Temporary = "temporary"

// Server returns the options of the embedded server, whose store is the one between
// runs unless the settings say otherwise. It fails if there is no place for that. A
// server on any free port has a temporary store, since no client finds it again.
func (n *NATS) Server() (bus.ServerOptions, error) {
	o := n.server()
	switch {
	case o.Store == Temporary || o.Store == "" && o.Port == -1:
		o.Store = ""
	case o.Store == "":
		dir, err := bus.StateDir(o.Port)
		if err != nil {
			return o, err
		}
		o.Store = dir
	}
	return o, nil
}

// server returns the options as they are set. Clients need the credentials of the
// connection, or those of a user.
func (n *NATS) server() bus.ServerOptions {
	o := n.Embedded
	o.User, o.Password, o.Token = n.User, n.Password, n.Token
	return o
}

// Source returns the options of the source.
func (c *Config) Source() bus.SourceOptions {
	return bus.SourceOptions{Queue: c.NATS.Queue, Limits: c.Limits}
}

// Model selects the bundle.
type Model struct {
	Bundle string `yaml:"bundle"`
}

// History selects how the history is aligned, timed and stored, and what fills in for lost images.
type History struct {
	Mode    string `yaml:"mode"`
	Time    string `yaml:"time"`
	Storage string `yaml:"storage"`
	Lost    string `yaml:"lost"`
}

// ONNX configures ONNX Runtime.
type ONNX struct {
	Providers []string `yaml:"providers"`
	Device    int      `yaml:"device"`
	Threads   int      `yaml:"threads"`
}

// HTTP configures the server of metrics and health.
type HTTP struct {
	Listen string `yaml:"listen"`
}

// OTel configures the export of spans.
type OTel struct {
	Endpoint string `yaml:"endpoint"` // "" for none
}

// Log configures the log on stderr.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// Loop returns the run loop's options.
func (c *Config) Loop() service.Options {
	o := c.Service
	o.Sync = c.Sync
	return o
}

// Pipeline returns the detector's options, without the kernels.
func (c *Config) Pipeline() pipeline.Options {
	return pipeline.Options{
		History: c.History.Mode, Time: c.History.Time, Storage: c.History.Storage, Lost: c.History.Lost, MaxGap: pipeline.Defaults().MaxGap,
		Providers: c.ONNX.Providers, Device: c.ONNX.Device, Threads: c.ONNX.Threads, Overlap: c.Service.Overlap, Images: c.Images,
	}
}

// Default returns the default configuration: the defaults of the packages, and those
// of the command.
func Default() Config {
	subjects, detector := bus.DefaultSubjects(), pipeline.Defaults()
	loop := service.Defaults()
	loop.Sync, loop.Log = framesync.Options{}, nil // Sync has its own section
	server := bus.DefaultServer()
	server.Log = nil
	return Config{
		NATS: NATS{
			Prefix:         subjects.Prefix,
			Rig:            subjects.Rig,
			Inbox:          bus.DefaultConn().Inbox,
			ConnectTimeout: bus.DefaultConn().Timeout,
			Queue:          bus.DefaultSource().Queue,
			Embedded:       server,
		},
		Sync:    framesync.Defaults(),
		Service: loop,
		Images:  detector.Images,
		Model:   Model{Bundle: model.DefaultName},
		History: History{Mode: detector.History, Time: detector.Time, Storage: detector.Storage, Lost: detector.Lost},
		ONNX:    ONNX{Providers: detector.Providers, Device: detector.Device, Threads: detector.Threads},
		Limits:  bus.DefaultLimits(),
		Kernels: isa.Auto,
		HTTP:    HTTP{Listen: "127.0.0.1:9464"},
		Log:     Log{Level: "info", Format: "text"},
	}
}
